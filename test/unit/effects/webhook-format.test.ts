import { expect, test } from "vitest";
import { formatOf, messageOf } from "../../../src/effects/webhook-format.ts";
import { NOTICE } from "../../support/effects.ts";

test.for([
  ["https://discord.com/api/webhooks/1/x", "discord"],
  ["https://ptb.discord.com/api/webhooks/1/x", "discord"],
  ["https://discordapp.com/api/webhooks/1/x", "discord"],
  ["https://hooks.slack.com/services/T/B/x", "slack"],
  ["https://notdiscord.com/x", "json"],
  ["https://example.org/slack.com", "json"],
] as const)("%s is spoken to as %s", ([url, format]) => {
  expect(formatOf({ url, format: "auto" })).toBe(format);
  expect(formatOf({ url, format: "slack" })).toBe("slack");
});

test("Discord gets an embed that calls nobody", () => {
  expect(messageOf(NOTICE, "discord")).toEqual({
    embeds: [
      {
        title: "Action Required: acme/shop",
        description: "POST /charge was removed",
        fields: [
          { name: "Source", value: "acme/payments", inline: true },
          { name: "Urgency", value: "high", inline: true },
          { name: "Confidence", value: "90 %", inline: true },
        ],
      },
    ],
    allowed_mentions: { parse: [] },
  });
});

test("Slack gets blocks in which nothing is a command", () => {
  expect(messageOf({ ...NOTICE, impact_summary: "<!channel> a & b" }, "slack")).toEqual({
    text: "Action Required: acme/shop",
    blocks: [
      { type: "header", text: { type: "plain_text", text: "Action Required: acme/shop" } },
      { type: "section", text: { type: "mrkdwn", text: "&lt;!channel&gt; a &amp; b" } },
      {
        type: "section",
        fields: [
          { type: "mrkdwn", text: "*Source*\nacme/payments" },
          { type: "mrkdwn", text: "*Urgency*\nhigh" },
          { type: "mrkdwn", text: "*Confidence*\n90 %" },
        ],
      },
    ],
  });
});

test("others get the facts", () => {
  expect(messageOf(NOTICE, "json")).toEqual({ title: "Action Required: acme/shop", ...NOTICE });
});

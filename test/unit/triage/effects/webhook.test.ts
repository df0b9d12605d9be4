import * as fc from "fast-check";
import { expect, test } from "vitest";
import { formatOf, messageOf } from "../../../../src/triage/effects/webhook.ts";
import { NOTICE } from "../../../support/effects.ts";
import { EVERYTHING_HOSTILE, hiddenIn, hostileText } from "../../../support/hostile-text.ts";

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
        description: "POST `/charge` was removed",
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

function plain(text: string): object {
  return { type: "plain_text", text, emoji: false };
}

test("Slack gets blocks in which nothing is a command", () => {
  expect(messageOf({ ...NOTICE, impact_summary: "<!channel> a & b" }, "slack")).toEqual({
    text: "Action Required: acme/shop",
    mrkdwn: false,
    parse: "none",
    link_names: false,
    unfurl_links: false,
    unfurl_media: false,
    blocks: [
      { type: "header", text: plain("Action Required: acme/shop") },
      { type: "section", text: plain("&lt;!channel&gt; a &amp; b") },
      {
        type: "section",
        fields: [plain("Source: acme/payments"), plain("Urgency: high"), plain("Confidence: 90 %")],
      },
    ],
  });
});

/** Notices whose texts are all hostile. */
const hostile = fc
  .tuple(hostileText(), hostileText(), hostileText(), hostileText())
  .map(([target_repo, source_repo, urgency, impact_summary]) => ({
    ...NOTICE,
    target_repo,
    source_repo,
    urgency,
    impact_summary,
  }));

const ALL_HOSTILE = {
  ...NOTICE,
  target_repo: EVERYTHING_HOSTILE,
  source_repo: EVERYTHING_HOSTILE,
  urgency: EVERYTHING_HOSTILE,
  impact_summary: EVERYTHING_HOSTILE.repeat(5),
};

test("Slack gets plain text without its control characters, whatever strangers write", () => {
  fc.assert(
    fc.property(hostile, (about) => {
      const texts = textsIn(messageOf(about, "slack"));

      for (const text of texts) {
        expect(text).not.toMatch(/[<>]|&(?!(?:amp|lt|gt);)/);
        expect(hiddenIn(text)).toEqual([]);
      }
    }),
    { examples: [[ALL_HOSTILE]] },
  );
});

test("Discord gets words and code, within its limits, whatever strangers write", () => {
  fc.assert(
    fc.property(hostile, (about) => {
      const message = messageOf(about, "discord");

      for (const text of textsIn(message)) {
        const outOfCode = text.replaceAll(/`[^`]*`/g, "");
        expect(outOfCode).not.toMatch(/[`<>@#*_~|[\]{}$^=+&/]/);
        expect(hiddenIn(text)).toEqual([]);
      }
      expect(message).toMatchObject({ allowed_mentions: { parse: [] } });
      expect(Math.max(...textsIn(message).map(({ length }) => length))).toBeLessThanOrEqual(4_096);
    }),
    { examples: [[ALL_HOSTILE]] },
  );
});

/** All texts of a message. */
function textsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

test("others get the facts", () => {
  expect(messageOf(NOTICE, "json")).toEqual({ title: "Action Required: acme/shop", ...NOTICE });
});

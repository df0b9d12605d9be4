import {
  type EffectDelivery,
  type EffectsConfig,
  parseEffectPayload,
  SkippedEffect,
  visibleLine,
  visibleText,
} from "../../index.ts";

import { markdownLine, markdownText, repositoryName } from "./markdown.ts";
import { type Notice, noticeSchema } from "./notice.ts";

/**
 * A message to WEBHOOK_URL. Chats have no look-up, so a crash between the call and its record
 * sends it twice; the header lets a receiver of one's own know.
 */
export const webhookDelivery: EffectDelivery = {
  render: ({ payload }, config) => ({
    to: "WEBHOOK_URL",
    body: messageOf(parseEffectPayload(noticeSchema, payload), formatOf(config.webhook)),
  }),

  async deliver({ key, payload }, { config, exchange }) {
    if (config.webhook.url === null) {
      throw new SkippedEffect("WEBHOOK_URL is not set");
    }
    await exchange({
      method: "POST",
      url: config.webhook.url,
      headers: { "idempotency-key": key },
      body: JSON.stringify(
        messageOf(parseEffectPayload(noticeSchema, payload), formatOf(config.webhook)),
      ),
      guarded: !config.allowPrivate,
    });
    return null;
  },
};

/** Of a name in a title of Discord, which takes 256 characters. */
const NAME_MAX = 200;

type Format = Exclude<EffectsConfig["webhook"]["format"], "auto">;

/** The one that is set, else the one of the service that the address belongs to. */
export function formatOf({ format, url }: EffectsConfig["webhook"]): Format {
  if (format !== "auto") {
    return format;
  }
  const host = url === null ? "" : new URL(url).hostname;
  if (/(?:^|\.)discord(?:app)?\.com$/.test(host)) {
    return "discord";
  }
  return /(?:^|\.)slack\.com$/.test(host) ? "slack" : "json";
}

/** The message in the words of a service, within its limits. */
export function messageOf(about: Notice, format: Format): unknown {
  switch (format) {
    case "discord":
      return discordMessage(about);
    case "slack":
      return slackMessage(about);
    case "json":
      // Data for a program, which knows what it does with it.
      return { title: `Action Required: ${about.target_repo}`, ...about };
  }
}

function discordMessage(about: Notice): unknown {
  return {
    embeds: [
      {
        title: `Action Required: ${repositoryName(about.target_repo.slice(0, NAME_MAX))}`,
        description: markdownText(about.impact_summary, 4_096),
        fields: [
          ["Source", repositoryName(about.source_repo)],
          ["Urgency", markdownLine(about.urgency, 1_024)],
          ["Confidence", percent(about)],
        ].map(([name, value]) => ({ name, value, inline: true })),
      },
    ],
    // Text out of a repository calls nobody.
    allowed_mentions: { parse: [] },
  };
}

/** Text that Slack shows as it is: `mrkdwn` would make links, mentions and emoji of it. */
function slackMessage(about: Notice): unknown {
  const title = `Action Required: ${visibleLine(about.target_repo)}`;
  const fields = [
    ["Source", visibleLine(about.source_repo)],
    ["Urgency", visibleLine(about.urgency)],
    ["Confidence", percent(about)],
  ];
  return {
    text: slackText(title, 3_000),
    mrkdwn: false,
    parse: "none",
    link_names: false,
    unfurl_links: false,
    unfurl_media: false,
    blocks: [
      { type: "header", text: slackPlain(title, 150) },
      { type: "section", text: slackPlain(visibleText(about.impact_summary), 3_000) },
      {
        type: "section",
        fields: fields.map(([name, value]) => slackPlain(`${name}: ${value}`, 2_000)),
      },
    ],
  };
}

function slackPlain(text: string, lengthMax: number): unknown {
  return { type: "plain_text", text: slackText(text, lengthMax), emoji: false };
}

const SLACK_ESCAPES: ReadonlyMap<string, string> = new Map([
  ["&", "&amp;"],
  ["<", "&lt;"],
  [">", "&gt;"],
]);

/** Slack's control characters, escaped; cut between characters, and through no escape. */
function slackText(text: string, lengthMax: number): string {
  let fitting = "";
  for (const letter of text) {
    const shown = SLACK_ESCAPES.get(letter) ?? letter;
    if (fitting.length + shown.length > lengthMax) break;
    fitting += shown;
  }
  return fitting;
}

function percent({ confidence }: Notice): string {
  return `${Math.round(confidence * 100)} %`;
}

import type { EffectsConfig } from "../effects-config.ts";
import type { Notice } from "../notice.ts";

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
  const title = `Action Required: ${about.target_repo}`;
  const fields = [
    ["Source", about.source_repo],
    ["Urgency", about.urgency],
    ["Confidence", `${Math.round(about.confidence * 100)} %`],
  ] as const;
  switch (format) {
    case "discord":
      return {
        embeds: [
          {
            title: cut(title, 256),
            description: cut(about.impact_summary, 4_096),
            fields: fields.map(([name, value]) => ({
              name,
              value: cut(value, 1_024),
              inline: true,
            })),
          },
        ],
        // Text out of a repository calls nobody.
        allowed_mentions: { parse: [] },
      };
    case "slack":
      return {
        text: cut(escaped(title), 3_000),
        blocks: [
          { type: "header", text: { type: "plain_text", text: cut(title, 150) } },
          {
            type: "section",
            text: { type: "mrkdwn", text: cut(escaped(about.impact_summary), 3_000) },
          },
          {
            type: "section",
            fields: fields.map(([name, value]) => ({
              type: "mrkdwn",
              text: cut(`*${name}*\n${escaped(value)}`, 2_000),
            })),
          },
        ],
      };
    case "json":
      return { title, ...about };
  }
}

/** Slack reads <!channel> and links between angle brackets. */
function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function cut(text: string, lengthMax: number): string {
  return text.slice(0, lengthMax).toWellFormed();
}

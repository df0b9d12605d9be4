/** Alerts: what a person should know of at once, to a chat or to a program. */
import { z } from "zod";
import { visibleLine } from "../model/text.ts";
import type { EffectsConfig } from "../settings/effects.ts";
import { type EffectDelivery, parseEffectPayload, SkippedEffect } from "./delivery.ts";

/** As sql/functions/outbox/alerts.sql writes it. */
const alertPayload = z.object({
  alert: z.string(),
  subject: z.string(),
  detail: z.string().nullable(),
  occurred_at: z.string(),
});
type Alert = z.output<typeof alertPayload>;

/**
 * A message to ALERT_URL. Chats have no look-up, so a crash between the call and its record sends
 * it twice; the header lets a receiver of one's own know.
 */
export const alertDelivery: EffectDelivery = {
  render: ({ payload }, { alerts }) => ({
    to: "ALERT_URL",
    body: bodyOf(parseEffectPayload(alertPayload, payload), alerts),
  }),

  async deliver({ key, payload }, { config, exchange }) {
    const { url } = config.alerts;
    if (url === null) {
      throw new SkippedEffect("ALERT_URL is not set");
    }
    await exchange({
      method: "POST",
      url,
      headers: { "idempotency-key": key },
      body: JSON.stringify(bodyOf(parseEffectPayload(alertPayload, payload), config.alerts)),
      guarded: !config.allowPrivate,
    });
    return null;
  },
};

/** What Slack and Discord take of a message. */
const TEXT_MAX = 1_900;

function bodyOf(alert: Alert, { format, url }: EffectsConfig["alerts"]): unknown {
  const host = url === null ? "" : new URL(url).hostname;
  const isOf = (service: RegExp, name: typeof format) =>
    format === name || (format === "auto" && service.test(host));
  const { subject, detail } = alert;
  const text = visibleLine(
    `${alert.alert}: ${subject}${detail === null ? "" : `, ${detail}`}`,
  ).slice(0, TEXT_MAX);
  if (isOf(/(?:^|\.)slack\.com$/, "slack")) {
    // Text of a task calls nobody, and makes no link.
    const escaped = text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
    return { text: escaped, mrkdwn: false, parse: "none", link_names: false };
  }
  if (isOf(/(?:^|\.)discord(?:app)?\.com$/, "discord")) {
    return { content: text, allowed_mentions: { parse: [] } };
  }
  return alert;
}

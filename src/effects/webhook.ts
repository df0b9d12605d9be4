import { notice } from "../notice.ts";
import { type Delivery, Skipped } from "./delivery.ts";
import { parsePayload } from "./parse.ts";
import { formatOf, messageOf } from "./webhook-format.ts";

/**
 * A message to WEBHOOK_URL. Chats have no look-up, so a crash between the call and its record
 * sends it twice; the header lets a receiver of one's own know.
 */
export const webhook: Delivery = {
  render: ({ payload }, config) => ({
    to: "WEBHOOK_URL",
    body: messageOf(parsePayload(notice, payload), formatOf(config.webhook)),
  }),

  async deliver({ key, payload }, { config, exchange }) {
    if (config.webhook.url === null) {
      throw new Skipped("WEBHOOK_URL is not set");
    }
    await exchange({
      method: "POST",
      url: config.webhook.url,
      headers: { "idempotency-key": key },
      body: JSON.stringify(messageOf(parsePayload(notice, payload), formatOf(config.webhook))),
      guarded: !config.allowPrivate,
    });
    return null;
  },
};

import { z } from "zod";
import { type Delivery, Skipped } from "./delivery.ts";
import { parsePayload } from "./parse.ts";
import { signatureHeaders } from "./push-signature.ts";

/** Whom to tell (a row of push_configs), and the body as it leaves. */
const payloadOfPush = z.object({
  config_id: z.uuid(),
  body: z.record(z.string(), z.unknown()),
});

/** A signed update of a task, to whoever asked to be told. */
export const push: Delivery = {
  render({ payload }) {
    const { config_id, body } = parsePayload(payloadOfPush, payload);
    return { to: `push config ${config_id}`, body };
  },

  async deliver({ taskId, payload }, { config, exchange, pushConfig }) {
    const { config_id, body: content } = parsePayload(payloadOfPush, payload);
    const receiver = await pushConfig(config_id);
    if (receiver === null) {
      throw new Skipped("its push config was deleted");
    }
    const body = JSON.stringify(content);
    await exchange({
      method: "POST",
      url: receiver.url,
      headers: signatureHeaders(receiver, { taskId, body, nowMs: Date.now() }, config.push),
      body,
      guarded: !config.allowPrivate,
    });
    return null;
  },
};

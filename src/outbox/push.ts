/** Push notifications: a signed update of a task, to whoever asked to be told of it. */
import { createHmac, hash } from "node:crypto";
import { z } from "zod";
import type { PushConfig } from "../database/rows.ts";
import type { EffectsConfig } from "../settings/effects.ts";
import { type EffectDelivery, parseEffectPayload, SkippedEffect } from "./delivery.ts";

/** Whom to tell (a row of push_configs), and the body as it leaves. */
const pushPayload = z.object({
  config_id: z.uuid(),
  body: z.record(z.string(), z.unknown()),
});

export const pushDelivery: EffectDelivery = {
  render({ payload }) {
    const { config_id, body } = parseEffectPayload(pushPayload, payload);
    return { to: `push config ${config_id}`, body };
  },

  async deliver({ taskId, payload }, { config, exchange, pushConfig }) {
    const { config_id, body: content } = parseEffectPayload(pushPayload, payload);
    const receiver = await pushConfig(config_id);
    if (receiver === null) {
      throw new SkippedEffect("its push config was deleted");
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

/**
 * The headers by which a receiver knows that a push is ours and unchanged: the token as it is, an
 * HMAC-SHA256 over `timestamp.body` in hex, and a JWT (HS256) that holds the body's hash; of
 * each what is set. `nowMs`: since 1970.
 */
export function signatureHeaders(
  config: PushConfig,
  { taskId, body, nowMs }: { taskId: string; body: string; nowMs: number },
  push: EffectsConfig["push"],
): Record<string, string> {
  const timestamp = Math.floor(nowMs / 1_000);
  const headers: Record<string, string> = {};
  if (config.token !== null) {
    headers["x-a2a-token"] = config.token;
  }
  if (config.hmacSecret !== null) {
    headers["x-a2a-timestamp"] = String(timestamp);
    headers["x-a2a-signature"] = createHmac("sha256", config.hmacSecret)
      .update(`${timestamp}.${body}`)
      .digest("hex");
  }
  if (config.jwtSecret !== null) {
    const claims = {
      iat: timestamp,
      exp: timestamp + push.jwtTtlSeconds,
      nbf: timestamp - push.jwtSkewSeconds,
      hash: hash("sha256", body),
      ...(config.jwtIssuer === null ? {} : { iss: config.jwtIssuer }),
      ...(config.jwtAudience === null ? {} : { aud: config.jwtAudience }),
      taskId,
    };
    const header = {
      alg: "HS256",
      typ: "JWT",
      ...(config.jwtKid === null ? {} : { kid: config.jwtKid }),
    };
    headers["authorization"] = `Bearer ${signJwt(header, claims, config.jwtSecret)}`;
  }
  return headers;
}

function signJwt(header: object, claims: object, secret: string): string {
  const signed = [header, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
    .join(".");
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
}

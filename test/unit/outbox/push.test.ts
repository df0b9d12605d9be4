import { jwtVerify } from "jose";
import { expect, test } from "vitest";
import type { PushConfig } from "../../../src/database/rows.ts";
import { signatureHeaders } from "../../../src/outbox/push.ts";

const BODY = '{"statusUpdate":{"taskId":"7","status":"finished"}}';
const SECONDS = 1_800_000_000;
const PUSH = { tries: 3, retryBaseMs: 200, jwtTtlSeconds: 300, jwtSkewSeconds: 120 };

const NOTHING: PushConfig = {
  url: "https://example.org/push",
  token: null,
  hmacSecret: null,
  jwtSecret: null,
  jwtIssuer: null,
  jwtAudience: null,
  jwtKid: null,
};

function headersFor(given: Partial<PushConfig>): Record<string, string> {
  const about = { taskId: "7", body: BODY, nowMs: SECONDS * 1_000 + 999 };
  return signatureHeaders({ ...NOTHING, ...given }, about, PUSH);
}

test("fields that are not set are not sent", () => {
  expect(headersFor({})).toEqual({});
  expect(headersFor({ token: "t" })).toEqual({ "x-a2a-token": "t" });
});

test("the HMAC is over seconds, a dot and the body, in bare hex", () => {
  // printf '%s' "1800000000.$BODY" | openssl dgst -sha256 -hmac key
  expect(headersFor({ hmacSecret: "key" })).toEqual({
    "x-a2a-timestamp": "1800000000",
    "x-a2a-signature": "514ebeef9ef0cf014b814dd69a11c227b123a15f343c39b89a50acea45763610",
  });
});

test("a library reads the JWT by its secret: header, claims, and the time it is valid", async () => {
  const { authorization = "" } = headersFor({
    jwtSecret: "secret",
    jwtIssuer: "triaged",
    jwtAudience: "receiver",
    jwtKid: "k1",
  });
  const token = authorization.replace("Bearer ", "");
  const verify = (secret: string, seconds: number) =>
    jwtVerify(token, new TextEncoder().encode(secret), {
      algorithms: ["HS256"],
      issuer: "triaged",
      audience: "receiver",
      currentDate: new Date(seconds * 1_000),
    });

  const { protectedHeader, payload } = await verify("secret", SECONDS);

  expect(protectedHeader).toEqual({ alg: "HS256", typ: "JWT", kid: "k1" });
  expect(payload).toEqual({
    iat: SECONDS,
    exp: SECONDS + 300,
    nbf: SECONDS - 120,
    // printf '%s' "$BODY" | sha256sum
    hash: "97ee09e057cd08dd34eebe5b020b67e1817e995b577a1a2e28e9632a07d57ba4",
    iss: "triaged",
    aud: "receiver",
    taskId: "7",
  });
  await expect(verify("another", SECONDS)).rejects.toThrow("signature verification failed");
  await expect(verify("secret", SECONDS + 300)).rejects.toThrow('"exp" claim');
  await expect(verify("secret", SECONDS - 121)).rejects.toThrow('"nbf" claim');
});

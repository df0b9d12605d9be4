import { z } from "zod";
import type { Database } from "./database.ts";

const Push = z.object({
  url: z.string(),
  token: z.string().nullable(),
  hmacSecret: z.string().nullable(),
  jwtSecret: z.string().nullable(),
  jwtIssuer: z.string().nullable(),
  jwtAudience: z.string().nullable(),
  jwtKid: z.string().nullable(),
});
/** Who wants to be told of a task. Holds secrets: never logged, never shown. */
export type PushConfig = z.output<typeof Push>;

/** Needs the rights of the owner. */
export async function readPushConfig(db: Database, id: string): Promise<PushConfig | null> {
  const [row] = await db.query({
    text: `select
        url, token, hmac_secret as "hmacSecret", jwt_secret as "jwtSecret",
        jwt_issuer as "jwtIssuer", jwt_audience as "jwtAudience", jwt_kid as "jwtKid"
      from triaged.push_configs
      where id = $1`,
    values: [id],
  });
  return row === undefined ? null : Push.parse(row);
}

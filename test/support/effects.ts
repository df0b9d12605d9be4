import type { Client } from "pg";
import { pino } from "pino";
import type { Queryable } from "../../src/database/database.ts";
import { inSchema } from "../../src/database/database.ts";
import { type DeliverDeps, deliverEffect } from "../../src/outbox/deliver.ts";
import type { EffectsConfig } from "../../src/settings/effects.ts";
import { CircuitBreaker } from "../../src/system/http.ts";
import { waitFor } from "./connections.ts";
import { DELIVERIES, EFFECTS } from "./jobs.ts";
import { query, queryOne } from "./tasks.ts";

type Row = Record<string, unknown>;

export const NOTICE = {
  target_repo: "acme/shop",
  source_repo: "acme/payments",
  relationship_type: "api_consumer",
  commit_sha: "0123456789abcdef0123456789abcdef01234567",
  commit_message: "remove the old charge endpoint",
  urgency: "high",
  confidence: 0.9,
  impact_summary: "POST /charge was removed",
  recommended_changes: "1. src/pay.ts:3 use POST /charges",
  reasoning: "one breaking finding, confirmed",
  affected_files: ["src/pay.ts"],
  labels: ["dependency", "important"],
};

/** An effect as a settle writes it; resolves to its id. */
export async function addEffect(db: Queryable, given: Row = {}): Promise<string> {
  const effect = { kind: "github_issue", key: "key", payload: NOTICE, ...given };
  const { effect_id } = await queryOne<{ effect_id: string }>(
    db,
    `insert into triaged.effects (task_id, kind, effect_key, payload, due_at, created_at)
     values (1, $1, $2, $3, triaged.now(), triaged.now()) returning effect_id`,
    [effect.kind, effect.key, JSON.stringify(effect.payload)],
  );
  return effect_id;
}

export async function readEffect(db: Queryable, effectId: string): Promise<Row> {
  return await queryOne(db, "select * from triaged.effects where effect_id = $1", [effectId]);
}

/** All effects, the oldest first. */
export async function readEffects(db: Queryable): Promise<Row[]> {
  return await query(db, "select * from triaged.effects order by effect_id");
}

/** Have the claim, or the wait for the next try, be over. */
export async function makeDue(db: Queryable): Promise<void> {
  await db.query("update triaged.effects set due_at = now() where status = 'pending'");
}

/** As without any setting, but for what is given; tries follow each other at once. */
export function effectsConfig(given: Partial<EffectsConfig> = {}): EffectsConfig {
  return { ...EFFECTS, push: { ...EFFECTS.push, retryBaseMs: 1 }, ...given };
}

/** Deliver an effect in this process; resolves to its row. */
export async function deliver(
  client: Client,
  effectId: string,
  given: Partial<DeliverDeps> & { config: EffectsConfig },
): Promise<Row> {
  await deliverEffect(effectId, {
    db: inSchema(client),
    deliveries: DELIVERIES,
    breaker: new CircuitBreaker(given.config.breaker),
    logger: pino({ level: "silent" }),
    signal: new AbortController().signal,
    ...given,
  });
  return await readEffect(client, effectId);
}

/** Live, to a stub in place of GitHub. */
export function toGithub(apiUrl: string): EffectsConfig {
  return effectsConfig({ github: { token: "gh-s3cret", apiUrl } });
}

/** Live, to a stub as the webhook. */
export function toWebhook(
  url: string,
  format: EffectsConfig["webhook"]["format"] = "json",
): EffectsConfig {
  return effectsConfig({ webhook: { url, format }, allowPrivate: true });
}

/** Wait until there are effects, and all of them are delivered. */
export async function waitUntilDelivered(client: Client): Promise<void> {
  await waitFor(
    async () => {
      const effects = await readEffects(client);
      return effects.length > 0 && effects.every((row) => row["status"] === "delivered");
    },
    { deadlineMs: 20_000 },
  );
}

/** Have what is due handed to the jobs, as the sweep does a minute later. */
export async function sweep(client: Client): Promise<void> {
  await client.query(
    `select triaged.add_effect_job(effect_id, effect_key, null) from triaged.effects
     where status = 'pending' and kind <> 'digest'`,
  );
}

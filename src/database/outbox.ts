import { z } from "zod";
import {
  EFFECT_KINDS,
  EFFECT_STATUSES,
  type EffectKind,
  type EffectStatus,
} from "../model/effect.ts";
import { type Database, IsoTime, isoTime } from "./database.ts";

const ClaimedRow = z.object({
  effectId: z.string(),
  taskId: z.string(),
  kind: z.enum(EFFECT_KINDS),
  key: z.string(),
  payload: z.record(z.string(), z.unknown()),
  /** This attempt's number, from 1. It only grows. */
  attempts: z.int(),
});
/** An effect that somebody is about to deliver. Ids are text. */
export type ClaimedEffect = z.output<typeof ClaimedRow>;

/** Take an effect for so long; null where it is not due: it ended, or somebody has it. */
export async function claimEffect(
  db: Database,
  effectId: string,
  { leaseMs }: { leaseMs: number },
): Promise<ClaimedEffect | null> {
  const [row] = await db.query({
    text: `select
        effect_id as "effectId", task_id as "taskId", kind, effect_key as key, payload, attempts
      from triaged.claim_effect($1, $2)`,
    values: [effectId, leaseMs],
  });
  return row === undefined ? null : ClaimedRow.parse(row);
}

/** How an attempt at an effect ended; `pending`: to be tried again. */
export type EffectEnd = {
  readonly status: EffectStatus;
  readonly externalRef?: string | null;
  readonly error?: string;
  readonly delayMs?: number;
};

/** Record it. Resolves to the status that the effect has now; null: it was no longer ours. */
export async function settleEffect(
  db: Database,
  { effectId, attempts }: Pick<ClaimedEffect, "effectId" | "attempts">,
  { status, externalRef = null, error, delayMs = 0 }: EffectEnd,
): Promise<EffectStatus | null> {
  const [row] = await db.query({
    text: "select triaged.settle_effect($1, $2, $3, $4, $5, $6) as status",
    values: [effectId, attempts, status, externalRef, error ?? null, Math.round(delayMs)],
  });
  return z.object({ status: z.enum(EFFECT_STATUSES).nullable() }).parse(row).status;
}

const DueRow = z.object({ effectId: z.string(), key: z.string() });
export type DueEffect = z.output<typeof DueRow>;

/** Effects that have been due for so long and that nobody delivers, the oldest first. */
export async function dueEffects(
  db: Database,
  { sinceMs, limit }: { sinceMs: number; limit: number },
): Promise<DueEffect[]> {
  const rows = await db.query({
    text: `select effect_id as "effectId", effect_key as key
           from triaged.effects
           where status = 'pending'
             and kind <> 'digest'
             and due_at <= triaged.now() - make_interval(secs => $1 / 1000.0)
           order by due_at
           limit $2`,
    values: [sinceMs, limit],
  });
  return rows.map((row) => DueRow.parse(row));
}

/** Delete old effects that ended; 0 days = keep them for ever. Resolves to how many. */
export async function expireEffects(
  db: Database,
  { rowsMax }: { rowsMax: number },
): Promise<number> {
  const [row] = await db.query({
    text: "select triaged.expire_effects($1) as deleted",
    values: [rowsMax],
  });
  return z.object({ deleted: z.int() }).parse(row).deleted;
}

/** Have it delivered after all; false unless it failed or was skipped. */
export async function retryEffect(db: Database, effectId: string): Promise<boolean> {
  const [row] = await db.query({
    text: "select triaged.retry_effect($1) as retried",
    values: [effectId],
  });
  return z.object({ retried: z.boolean() }).parse(row).retried;
}

const ListedEffectRow = z.object({
  effect_id: z.string(),
  task_id: z.string(),
  kind: z.enum(EFFECT_KINDS),
  effect_key: z.string(),
  status: z.enum(EFFECT_STATUSES),
  attempts: z.int(),
  target_repo: z.string().nullable(),
  external_ref: z.string().nullable(),
  last_error: z.string().nullable(),
  due_at: IsoTime,
  created_at: IsoTime,
  delivered_at: IsoTime.nullable(),
});
type ListedEffect = z.output<typeof ListedEffectRow>;

export type EffectFilter = {
  readonly effectId?: string | undefined;
  readonly taskId?: string | undefined;
  readonly kind?: EffectKind | undefined;
  readonly status?: EffectStatus | undefined;
  readonly limit: number;
};

/** Effects, the newest first, without what they send. */
export async function listEffects(db: Database, filter: EffectFilter): Promise<ListedEffect[]> {
  const rows = await db.query({
    text: `select
             effect_id, task_id, kind, effect_key, status, attempts,
             payload ->> 'target_repo' as target_repo, external_ref, last_error,
             ${isoTime("due_at")}, ${isoTime("created_at")}, ${isoTime("delivered_at")}
           from triaged.effects
           where ($1::bigint is null or effect_id = $1)
             and ($2::bigint is null or task_id = $2)
             and ($3::text is null or kind = $3)
             and ($4::text is null or status = $4)
           order by effect_id desc
           limit $5`,
    values: [
      filter.effectId ?? null,
      filter.taskId ?? null,
      filter.kind ?? null,
      filter.status ?? null,
      filter.limit,
    ],
  });
  return rows.map((row) => ListedEffectRow.parse(row));
}

const PushConfigRow = z.object({
  url: z.string(),
  token: z.string().nullable(),
  hmacSecret: z.string().nullable(),
  jwtSecret: z.string().nullable(),
  jwtIssuer: z.string().nullable(),
  jwtAudience: z.string().nullable(),
  jwtKid: z.string().nullable(),
});
/** Who wants to be told of a task. Holds secrets: never logged, never shown. */
export type PushConfig = z.output<typeof PushConfigRow>;

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
  return row === undefined ? null : PushConfigRow.parse(row);
}

/** Effects: to take one, to settle it, to look at them. The verbs are described in queue.ts. */
import { z } from "zod";
import { EFFECT_STATUSES } from "../model/effect.ts";
import { columnsOf, isoTime } from "./database.ts";
import type { Queue } from "./queue.ts";
import { ClaimedEffect, DueEffect, ListedEffect, ListedPushConfig, PushConfig } from "./rows.ts";

export const claimEffect: Queue["claimEffect"] = async (db, effectId, { leaseMs }) => {
  const [row] = await db.query({
    text: `select
        effect_id as "effectId", task_id as "taskId", kind, effect_key as key, payload, attempts,
        traceparent
      from triaged.claim_effect($1, $2)`,
    values: [effectId, leaseMs],
  });
  return row === undefined ? null : ClaimedEffect.parse(row);
};

export const settleEffect: Queue["settleEffect"] = async (db, { effectId, attempts }, end) => {
  const { status, externalRef = null, error = null, delayMs = 0 } = end;
  const [row] = await db.query({
    text: "select triaged.settle_effect($1, $2, $3, $4, $5, $6) as status",
    values: [effectId, attempts, status, externalRef, error, Math.round(delayMs)],
  });
  return z.object({ status: z.enum(EFFECT_STATUSES).nullable() }).parse(row).status;
};

export const dueEffects: Queue["dueEffects"] = async (db, { sinceMs, limit }) => {
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
  return rows.map((row) => DueEffect.parse(row));
};

export const retryEffect: Queue["retryEffect"] = async (db, effectId) => {
  const [row] = await db.query({
    text: "select triaged.retry_effect($1) as retried",
    values: [effectId],
  });
  return z.object({ retried: z.boolean() }).parse(row).retried;
};

/** Of ListedEffect. */
export const EFFECT_COLUMNS = `
  effect_id, task_id, kind, effect_key, status, attempts,
  payload ->> 'target_repo' as target_repo, external_ref, last_error,
  ${isoTime("due_at")}, ${isoTime("created_at")}, ${isoTime("delivered_at")}`;

export const listEffects: Queue["listEffects"] = async (db, filter) => {
  const rows = await db.query({
    text: `select ${EFFECT_COLUMNS}
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
  return rows.map((row) => ListedEffect.parse(row));
};

export const expireEffects: Queue["expireEffects"] = async (db, { rowsMax }) => {
  const [row] = await db.query({
    text: "select triaged.expire_effects($1) as deleted",
    values: [rowsMax],
  });
  return z.object({ deleted: z.int() }).parse(row).deleted;
};

export const setPushConfig: Queue["setPushConfig"] = async (db, taskId, receiver) => {
  const { url, token, hmacSecret, jwtSecret, jwtIssuer, jwtAudience, jwtKid, id } = receiver;
  const [row] = await db.query({
    text: `select triaged.set_push_config(
             task_id => $1, url => $2, token => $3, hmac_secret => $4, jwt_secret => $5,
             jwt_issuer => $6, jwt_audience => $7, jwt_kid => $8, id => $9
           ) as id`,
    values: [taskId, url, token, hmacSecret, jwtSecret, jwtIssuer, jwtAudience, jwtKid, id].map(
      (value) => value ?? null,
    ),
  });
  return z.object({ id: z.string() }).parse(row).id;
};

export const deletePushConfig: Queue["deletePushConfig"] = async (db, taskId, id) => {
  const [row] = await db.query({
    text: "select triaged.delete_push_config($1, $2) as deleted",
    values: [taskId, id],
  });
  return z.object({ deleted: z.boolean() }).parse(row).deleted;
};

export const listPushConfigs: Queue["listPushConfigs"] = async (db, taskId) => {
  const rows = await db.query({
    text: `select ${columnsOf(ListedPushConfig.shape)} from triaged.list_push_configs($1)`,
    values: [taskId],
  });
  return rows.map((row) => ListedPushConfig.parse(row));
};

export const tellHistory: Queue["tellHistory"] = async (db, what) => {
  const { alerts, updates, queueAgeMs } = what;
  const [row] = await db.query({
    text: "select triaged.tell_history($1, $2, make_interval(secs => $3 / 1000.0)) as told",
    values: [alerts, updates, queueAgeMs],
  });
  return z.object({ told: z.enum(["off", "more", "done"]) }).parse(row).told;
};

export const expirePushConfigs: Queue["expirePushConfigs"] = async (db, { rowsMax }) => {
  const [row] = await db.query({
    text: "select triaged.expire_push_configs($1) as deleted",
    values: [rowsMax],
  });
  return z.object({ deleted: z.int() }).parse(row).deleted;
};

export const readPushConfig: Queue["readPushConfig"] = async (db, id) => {
  const [row] = await db.query({
    text: `select
        url, token, hmac_secret as "hmacSecret", jwt_secret as "jwtSecret",
        jwt_issuer as "jwtIssuer", jwt_audience as "jwtAudience", jwt_kid as "jwtKid"
      from triaged.push_configs
      where id = $1`,
    values: [id],
  });
  return row === undefined ? null : PushConfig.parse(row);
};

/** Partitions, expired rows and rollups. The verbs are described in queue.ts. */
import { setTimeout as delay } from "node:timers/promises";
import pRetry from "p-retry";
import { DatabaseError } from "pg";
import { z } from "zod";
import { RetryDelay } from "../system/retry.ts";
import type { Database, Statement } from "./database.ts";
import type { Queue } from "./queue.ts";
import { Expired, MergeStep, PARTITIONED } from "./rows.ts";
import { codeOf, isKeptLock, isPartitionMade, LOCK_NOT_AVAILABLE } from "./sqlstate.ts";

/** A lock that is not to be had is asked for so often, some time apart, for each partition. */
const LOCK_TRIES = 4;
const LOCK_PAUSE_MS_MIN = 200;
const LOCK_PAUSE_MS_MAX = 2_000;

export const createPartitions: Queue["createPartitions"] = async (db, { daysAhead, signal }) => {
  let made = 0;
  const errors: Error[] = [];
  const wanted = await wantedPartitions(db, daysAhead);
  const steps = [
    ...PARTITIONED.map((parent) => () => createDaysAhead(db, parent, daysAhead)),
    ...wanted.map(
      ({ parent, day }) =>
        () =>
          createPartition(db, parent, day),
    ),
  ];
  for (const step of steps) {
    if (signal?.aborted === true) {
      break;
    }
    try {
      made += await step();
    } catch (err) {
      if (!isRefused(err)) {
        // The others would fail in the same way.
        throw err;
      }
      errors.push(err);
    }
  }
  return { made, errors };
};

/** Whether the server says no to this one. A lock that is kept is kept from the others too. */
function isRefused(err: unknown): err is Error {
  return err instanceof DatabaseError && !/^(?:08|57)/.test(err.code ?? "") && !isKeptLock(err);
}

const Wanted = z.object({ parent: z.enum(PARTITIONED), day: z.string() });

/** The days ahead come first: whatever is wrong with today, tomorrow has its partition. */
async function wantedPartitions(db: Database, daysAhead: number) {
  const rows = await db.query({
    text: `select parent, to_char(day, 'YYYY-MM-DD') as day
           from unnest($1::text[]) with ordinality as partitioned (parent, place)
           cross join lateral (
             select (triaged.now() at time zone 'UTC')::date + ahead as day, ahead = 0 as is_today,
               false as is_stray
             from generate_series(0, $2::integer) as ahead
             union all
             select stray, false, true from triaged.stray_days(parent) as stray
           ) as wanted
           order by is_stray, is_today, day, place`,
    values: [PARTITIONED, daysAhead],
  });
  return rows.map((row) => Wanted.parse(row));
}

/** Of a large default partition, whose writers then wait once and not for each day; else 0. */
async function createDaysAhead(db: Database, parent: string, days: number): Promise<number> {
  return await countMade(db, {
    text: "select triaged.create_days_ahead($1, $2) as made",
    values: [parent, days],
  });
}

async function createPartition(db: Database, parent: string, day: string): Promise<number> {
  return await countMade(db, {
    text: "select triaged.create_partition($1, $2::date)::integer as made",
    values: [parent, day],
  });
}

async function countMade(db: Database, statement: Statement): Promise<number> {
  const [row] = await pRetry(() => db.query(statement), {
    retries: LOCK_TRIES - 1,
    minTimeout: LOCK_PAUSE_MS_MIN,
    maxTimeout: LOCK_PAUSE_MS_MAX,
    randomize: true,
    shouldRetry: ({ error }) => codeOf(error) === LOCK_NOT_AVAILABLE || isPartitionMade(error),
  });
  return z.object({ made: z.int() }).parse(row).made;
}

export const dropExpiredPartitions: Queue["dropExpiredPartitions"] = async (db) => {
  const dropped: string[] = [];
  const pause = new RetryDelay({ baseMs: LOCK_PAUSE_MS_MIN, maxMs: LOCK_PAUSE_MS_MAX });
  for (;;) {
    const rows = await db.query({
      text: `select dropped as name
             from triaged.drop_expired_partitions(max_partitions => 1) as dropped`,
    });
    dropped.push(...rows.map((row) => z.object({ name: z.string() }).parse(row).name));
    if (rows.length > 0) {
      continue;
    }
    const left = await db.query({ text: "select from triaged.expired_partitions() limit 1" });
    if (left.length === 0 || pause.failures === LOCK_TRIES - 1) {
      return dropped;
    }
    await delay(pause.nextMs());
  }
};

export const mergePartitions: Queue["mergePartitions"] = async (db) => {
  const [row] = await db.query({
    text: "select table_name, step, partitions from triaged.merge_partitions()",
  });
  return row === undefined ? null : MergeStep.parse(row);
};

export const expireRows: Queue["expireRows"] = async (db, { rowsMax }) => {
  const [row] = await db.query({
    text: "select dedupe_keys, workers from triaged.expire_rows($1)",
    values: [rowsMax],
  });
  return Expired.parse(row);
};

export const foldHistory: Queue["foldHistory"] = async (db, { rowsMax }) => {
  const [row] = await db.query({
    text: "select triaged.fold_history($1) as rows",
    values: [rowsMax],
  });
  return z.object({ rows: z.int() }).parse(row).rows;
};

export const countDepth: Queue["countDepth"] = async (db) => {
  await db.query({ text: "select triaged.count_depth()" });
};

export const summarizeHistory: Queue["summarizeHistory"] = async (db) => {
  await db.query({ text: "select triaged.summarize_history()" });
};

/** Days that passed, their partitions, and the steps that merge these. */
import type { Client } from "pg";
import { call, outcomeOf, query, queryOne, settle, startTask } from "./tasks.ts";
import { verify } from "./verify.ts";

/** What is partitioned, and by which column. */
const TABLES = { final_tasks: "ended_at", task_history: "at" } as const;
type Table = keyof typeof TABLES;

/** Stop the clock for the session. */
export async function setTime(client: Client, instant: string): Promise<void> {
  await client.query("select set_config('triaged.fake_now', $1, false)", [instant]);
}

/** Make the partition of each day of a range. */
export async function makeDays(
  client: Client,
  table: Table,
  from: string,
  to: string,
): Promise<void> {
  await client.query(
    `select triaged.create_partition($1, day::date)
     from generate_series($2::timestamp, $3::timestamp, interval '1 day') as day`,
    [table, from, to],
  );
}

/** One task that fails for good, at that time; resolves to its id. */
export async function failTask(client: Client, instant: string): Promise<string> {
  await setTime(client, instant);
  const task = await startTask(client);
  await settle(client, [outcomeOf(task, "fail", { error: "no", permanent: true })]);
  return task.task_id;
}

export type Step = { table_name: string; step: string; partitions: string[] };

/** A step, or null where there is nothing to do. */
export async function step(client: Client, kept = { task_days: 7, history_days: 90 }) {
  return (await call<Step>(client, "merge_partitions", kept))[0] ?? null;
}

/** Steps until one says `until`, or until there is nothing to do; resolves to all of them. */
export async function steps(
  client: Client,
  kept: { task_days: number; history_days: number },
  until?: string,
): Promise<Step[]> {
  const done: Step[] = [];
  for (let made = await step(client, kept); made !== null; made = await step(client, kept)) {
    done.push(made);
    if (made.step === until || done.length > 2_000) {
      break;
    }
  }
  return done;
}

/** Every row of a table as text, in no order. */
export async function rowsOf(client: Client, table: Table): Promise<string[]> {
  const rows = await query(client, `select held::text as row from triaged.${table} as held`);
  return rows.map(({ row }) => String(row)).toSorted((a, b) => a.localeCompare(b));
}

/** The partitions, without those of the days ahead that a migration made. */
export async function partitionsOf(client: Client, table: Table): Promise<string[]> {
  const rows = await query<{ name: string }>(
    client,
    `select partition_name as name from triaged.partitions
     where table_name = $1 and ends_at is not null and ends_at < triaged.now()
     order by starts_at`,
    [table],
  );
  return rows.map(({ name }) => name);
}

/** What verify finds. */
export async function violationsOf(client: Client): Promise<unknown> {
  await client.query("begin");
  const { violations } = await verify(client);
  await client.query("rollback");
  return violations;
}

/** How many locks on tables and indexes of the queue a statement holds at its end. */
export async function locksOf(client: Client, text: string): Promise<number> {
  await client.query("begin");
  await client.query(text);
  const { count } = await queryOne<{ count: number }>(
    client,
    `select count(*)::integer from pg_locks
     where pid = pg_backend_pid() and relation >= 16384`,
  );
  await client.query("rollback");
  return count;
}

/** In which partition each task or history row lies. */
export async function partitionsHolding(db: Client, table: string): Promise<unknown[]> {
  const rows = await query(
    db,
    `select distinct relname as name
     from triaged.${table} as held join pg_class on pg_class.oid = held.tableoid order by name`,
  );
  return rows.map((row) => row["name"]);
}

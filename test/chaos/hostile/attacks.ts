import type { Client } from "pg";
import type { HostileRepositories } from "./repositories.ts";

type Means = { readonly random: () => number; readonly repositories: HostileRepositories };
type Attack = {
  readonly kind: string;
  readonly make: (client: Client, means: Means) => Promise<unknown>;
};

const NOTIFICATIONS = 2_000;
const DEEDS = ["return", "throw", "block", "garbage", "unknown"];

/** The locks that lock_key names; workers that are there, and some that will be. */
const SQUATS = `
  select pg_try_advisory_lock(triaged.lock_key(kind, id))
  from (
    select 'worker' as kind, worker_id as id from triaged.workers where ended_at is null
    union all
    select 'worker', max(worker_id) + ahead
    from triaged.workers cross join generate_series(1, 5) as ahead
    group by ahead
    union all
    values ('wake-up', 0), ('partition', 0), ('relationships', 0), ('migrate', 0)
  ) as named
  where random() < 0.5`;

const flood = (said: string): Attack["make"] => {
  return (client) =>
    client.query(`do $$ begin
      for place in 1..${NOTIFICATIONS} loop
        perform pg_notify('triaged.wake_up', ${said});
        commit;
      end loop;
    end $$`);
};

/** With a role that has triaged_api. What is meant to be refused ends with an error. */
export const ATTACKS = [
  { kind: "flood of cancels", make: flood("'cancel'") },
  { kind: "flood of lanes", make: flood(`'["default", "' || place || '", 2]'`) },
  { kind: "flood of garbage", make: flood("repeat('[', 7000) || place") },
  { kind: "locks squatted", make: (client) => client.query(SQUATS) },
  {
    kind: "wake-up lock shared",
    make: (client) =>
      client.query("select pg_advisory_lock_shared(triaged.lock_key('wake-up', 0))"),
  },
  {
    kind: "poison payload",
    make: (client, { random }) =>
      client.query("select from triaged.enqueue_task('hostile', $1)", [
        JSON.stringify({ deed: DEEDS[Math.floor(random() * DEEDS.length)] }),
      ]),
  },
  {
    kind: "payload that kills its worker",
    make: (client, { random }) =>
      random() < 0.2
        ? client.query(`select from triaged.enqueue_task('hostile', '{"deed": "exit"}')`)
        : Promise.resolve(),
  },
  {
    kind: "payload too large",
    make: (client) =>
      client.query("select from triaged.enqueue_task('hostile', $1)", [
        JSON.stringify({ deed: "return", more: "x".repeat(2_000_000) }),
      ]),
  },
  {
    kind: "garbage as a change",
    make: (client, { random }) =>
      client.query("select from triaged.notify_change($1)", [
        JSON.stringify({
          source_repo: random() < 0.5 ? "../../etc" : "hostile/source",
          commit_sha: "x".repeat(100),
          commit_message: `${"1".repeat(5_000)}x`,
          branch: "\u{1f600}".repeat(100),
          change_type: 7,
        }),
      ]),
  },
  {
    kind: "types and casts of its own",
    make: async (client) => {
      await client.query(`
        create type pg_temp.evil as (a integer);
        create function pg_temp.run(pg_temp.evil) returns text language sql as 'select ''2''';
        create cast (pg_temp.evil as text) with function pg_temp.run(pg_temp.evil)`);
      await client.query(`select from triaged.enqueue_task(
        'hostile', '{"deed": "return"}', priority => row(1)::pg_temp.evil)`);
    },
  },
  {
    kind: "settings",
    make: async (client) => {
      await client.query(`
        set triaged.actor = 'worker'; set triaged.event = 'finish'; set triaged.event_by = 'worker';
        set triaged.fake_now = '2001-01-01'; set search_path = pg_temp; set datestyle = 'SQL, DMY';
        set timezone = 'Asia/Kathmandu'; set enable_indexscan = off; set lock_timeout = '1ms'`);
      await client.query(`select from triaged.enqueue_task('hostile', '{"deed": "return"}')`);
      await client.query("reset all");
    },
  },
  {
    kind: "writes past the functions",
    make: (client) => client.query("delete from triaged.live_tasks"),
  },
  {
    kind: "workers that never beat",
    make: (client) =>
      client.query(
        "select triaged.register_worker('hostile', '{hostile, quick}', lease => '1 second')",
      ),
  },
  {
    kind: "hostile repository",
    make: (client, { random, repositories: { commits, source, consumer } }) => {
      const head = commits[1 + Math.floor(random() * (commits.length - 1))];
      const payload = {
        source_repo: source,
        target_repo: consumer,
        change_event: { source_repo: source, commit_sha: head, commit_message: "", branch: "main" },
        relationship_config: {},
      };
      return client.query(
        "select from triaged.enqueue_task('consumer_triage', $1, priority => 'low')",
        [JSON.stringify(payload)],
      );
    },
  },
] as const satisfies readonly Attack[];

export type AttackKind = (typeof ATTACKS)[number]["kind"];

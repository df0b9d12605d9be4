/** Sessions of roles that mean no good: strangers who may connect, and our roles with traps. */
import { Client } from "pg";
import { query } from "./tasks.ts";

/** A session of a role that may connect, and nothing else. */
export type Stranger = AsyncDisposable & {
  readonly role: string;
  readonly client: Client;
  /** The process that serves it. */
  readonly pid: number;
  /** End the session; the role goes with the scope. */
  readonly leave: () => Promise<void>;
};

/** The role is this call's own, and is gone with the scope: `await using`. `name` is its program. */
export async function openStranger(url: string, { name = "stranger" } = {}): Promise<Stranger> {
  const admin = new Client({ connectionString: url });
  admin.on("error", () => undefined);
  await admin.connect();
  const role = `${name.replaceAll(/\W/g, "_")}_${crypto.randomUUID().replaceAll("-", "").slice(0, 12)}`;
  await admin.query(`create role ${role} login password 'stranger'`);
  const own = new URL(url);
  own.username = role;
  own.password = "stranger";
  const client = new Client({ connectionString: own.href, application_name: name });
  // A test may have the server end the session.
  client.on("error", () => undefined);
  await client.connect();
  const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
  const leave = () => client.end().catch(() => undefined);
  return {
    role,
    client,
    pid: rows[0]?.pid ?? 0,
    leave,
    [Symbol.asyncDispose]: async () => {
      await leave();
      await admin.query(`drop owned by ${role}`);
      await admin.query(`drop role ${role}`);
      await admin.end();
    },
  };
}

/** Take the advisory lock of a key of lock_key, as one who computes the key by himself. */
export async function squat(
  { client }: Stranger,
  [kind, id]: readonly [kind: string, id: string | number],
  how: "pg_advisory_lock" | "pg_advisory_lock_shared" = "pg_advisory_lock",
): Promise<void> {
  await client.query(`select ${how}(hashtextextended('triaged.' || $1, $2))`, [kind, id]);
}

/** The role, and what it has made of its own. */
export const HOSTILE = {
  role: "triaged_test_hostile",
  /** Of a type of its own, with casts that tell by whom they were run. */
  value: "row(1)::pg_temp.evil",
  /** The roles other than its own that ran code of it. */
  ranAs: "select distinct ran_as from pg_temp.canary where ran_as <> 'triaged_test_hostile'",
} as const;

/**
 * Make the session of `db` that of a role which has all of our roles, with a canary: functions of
 * its own write down who runs them. `mayCall` grants a function of ours that is for nobody.
 * All of it goes with the transaction.
 */
export async function makeHostileRole(
  db: Client,
  { mayCall }: { mayCall?: string } = {},
): Promise<void> {
  await db.query(`create role ${HOSTILE.role} nologin in role triaged_owner, triaged_api`);
  await query(
    db,
    `do $$ begin execute format('grant temporary on database %I to ${HOSTILE.role}', current_database()); end $$`,
  );
  if (mayCall !== undefined) {
    await db.query(`grant execute on function triaged.${mayCall} to ${HOSTILE.role}`);
  }
  await db.query(`set local session authorization ${HOSTILE.role}`);
  await db.query(`
    create temp table canary (ran_as text);
    grant insert on pg_temp.canary to public;
    create type pg_temp.evil as (a int);
    create function pg_temp.sing() returns void language plpgsql as $$
      begin insert into pg_temp.canary values (current_user); end $$;
    create function pg_temp.run(pg_temp.evil) returns text language plpgsql as $$
      begin perform pg_temp.sing(); return '2'; end $$;
    create function pg_temp.run_json(pg_temp.evil) returns json language plpgsql as $$
      begin perform pg_temp.sing(); return '2'; end $$;
    create function pg_temp.run_jsonb(pg_temp.evil) returns jsonb language plpgsql as $$
      begin perform pg_temp.sing(); return '{}'; end $$;
    create function pg_temp.run_int(pg_temp.evil) returns bigint language plpgsql as $$
      begin perform pg_temp.sing(); return 2; end $$;
    create cast (pg_temp.evil as text) with function pg_temp.run(pg_temp.evil) as implicit;
    create cast (pg_temp.evil as json) with function pg_temp.run_json(pg_temp.evil);
    create cast (pg_temp.evil as jsonb) with function pg_temp.run_jsonb(pg_temp.evil);
    create cast (pg_temp.evil as bigint) with function pg_temp.run_int(pg_temp.evil) as assignment;
    create temp table evil_table (
      task_id bigint default 1, task_type pg_temp.evil default row(1), status text default 'queued',
      attempt_count integer default 1, worker_id bigint, error text, started_at timestamptz,
      ended_at timestamptz, run_at timestamptz, cancel_requested_at timestamptz,
      id pg_temp.evil default row(1), source_repo_id pg_temp.evil default row(1),
      target_repo_id pg_temp.evil default row(1)
    );
    insert into evil_table default values;
    create temp view evil_view as select * from evil_table;
  `);
}

/** Make the session of `db` that of a login which has that role, and no other. */
export async function logInAs(db: Client, role: string): Promise<void> {
  await db.query(`create role triaged_test_login nologin in role ${role}`);
  await db.query("set local session authorization triaged_test_login");
}

/** Set a setting of the queue, for the transaction. */
export async function set(db: Client, name: string, value: string): Promise<void> {
  await db.query("select set_config($1, $2, true)", [`triaged.${name}`, value]);
}

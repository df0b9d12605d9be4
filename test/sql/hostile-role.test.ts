// Goal: no call of a function that was granted gives its caller more than was granted, and none
// comes to grief over what it was given.
// Method: logins with one of our roles each, whose schema is full of traps (traps.sql), call
// every function that they may call: first each argument with each value that hurts, then what
// fast-check makes up, under settings that hurt. No trap may go off, no error be our fault, and
// the audit must hold at the end. A failure tells the seed; HOSTILE_SEED=… runs its calls again.

import * as fc from "fast-check";
import { expect } from "vitest";
import { inSchema } from "../../src/database/database.ts";
import { verifyAudit } from "../../src/database/verify/verify.ts";
import { test } from "../support/connections.ts";
import { query } from "../support/tasks.ts";
import { callHostile, type Hostile, logInHostile, type Target } from "./hostile-role/session.ts";
import { ANY, SETTINGS, VALUES } from "./hostile-role/values.ts";

const ROLES = ["triaged_api", "triaged_owner", "triaged_readonly"] as const;
/** Calls that fast-check makes up, and how long it may take for them. */
const RUNS = 1_500;
const SEARCH_MS_MAX = 40_000;
const LONGEST_MS = 240_000;

const seed = Number(process.env["HOSTILE_SEED"] ?? Math.floor(Math.random() * 2 ** 31));

/** Something for calls to be about: task 1 is started, 2 queued, 3 failed; workers 1 and 2. */
const SEED_TASKS = `
  select triaged.enqueue_task('noop');
  select triaged.register_worker('w', '{noop}');
  select triaged.register_worker('v', '{noop}');
  select from triaged.claim_tasks(1);
  select triaged.enqueue_task('noop', dedupe_key => 'k');
  select triaged.enqueue_task('other');
  select triaged.cancel_task(3);
  select triaged.save_relationship('o/p', 'o/q', 'api_consumer')`;

function valuesOf(type: string): readonly string[] {
  const values = VALUES[type];
  if (values === undefined) {
    throw new Error(`a function takes ${type}: say in test/sql/hostile-role/values.ts what hurts`);
  }
  return [...ANY, ...values];
}

/** Values that are harmless enough for a call to get to its other arguments, by name or type. */
const MILD: Readonly<Record<string, string>> = {
  dedupe_mode: "'keep'",
  priority: "'high'",
  dedupe_key: "'other key'",
  source_repo: "'o/p'",
  target_repo: "'o/q'",
  repo_name: "'o/p'",
  p_repo_name: "'o/p'",
  relationship_type: "'api_consumer'",
  status_param: "'completed'",
  p_status: "'delivered'",
  tasks: "'[]'",
  task: `'{"task_type": "noop"}'`,
  outcomes: `'[{"task_id": 1, "attempt": 1, "outcome": "snooze"}]'`,
  effects: `'[{"task_id": 1, "attempt": 1, "kind": "webhook", "key": "k", "payload": {}}]'`,
  event: `'{"source_repo": "o/p", "commit_sha": "1", "commit_message": "", "branch": "main"}'`,
  text: "'noop'",
  "character varying": "'w'",
  integer: "1",
  bigint: "1",
  jsonb: "'{}'",
  "text[]": "'{noop}'",
  "integer[]": "'{1}'",
  "bigint[]": "'{1}'",
  "timestamp with time zone": "'2027-01-01'",
};

function mild({ arguments: all }: Target): Map<string, string> {
  return new Map(
    all.flatMap(({ name, type }) => {
      const value = MILD[name] ?? MILD[type];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

async function resetSession({ session }: Hostile): Promise<void> {
  await session.query("reset all; reset role; select pg_catalog.pg_advisory_unlock_all()");
  await session.query("set statement_timeout to '20s'");
}

/** What others do goes on, whatever the hostile role left behind. */
const FRIENDLY = [
  "select * from triaged.rescue_tasks(1000)",
  "select why.* from triaged.tasks, triaged.why(task_id)",
  "select * from triaged.expire_rows()",
  "select triaged.expire_verdicts()",
  "select * from triaged.queue_depth, triaged.task_statistics, triaged.pauses",
  "select * from triaged.worker_activity",
  "select * from triaged.attention, triaged.dead_letters",
  "select * from triaged.relationships, triaged.triage_cache_statistics",
  `select * from triaged.claim_tasks(
     triaged.register_worker('friend', '{noop}', max_attempts => '{3}'), 10)`,
  `select * from triaged.settle_tasks((
     select jsonb_agg(jsonb_build_object(
       'task_id', task_id, 'attempt', attempt_count, 'outcome', 'finish'))
     from triaged.live_tasks where status = 'started'))`,
];

/** Each argument with each value, the others harmless. Resolves to what is wrong. */
async function callEach(hostile: Hostile): Promise<string[]> {
  const faults: string[] = [];
  for (const target of hostile.targets) {
    for (const { name, type } of target.arguments) {
      for (const value of valuesOf(type)) {
        const given = mild(target).set(name, value);
        const fault = await callHostile(hostile.session, target, given);
        if (fault !== null || (await hostile.alarms()) > 0) {
          faults.push(
            `${target.name}(${name} => ${value.slice(0, 120)}): ${fault ?? "a trap went off"}`,
          );
          return faults;
        }
      }
    }
  }
  return faults;
}

type Call = { readonly target: Target; readonly given: ReadonlyMap<string, string> };

function anyCall(targets: readonly Target[]): fc.Arbitrary<Call> {
  return fc.constantFrom(...targets).chain((target) =>
    fc
      .tuple(
        ...target.arguments.map(({ type }) =>
          fc.option(fc.constantFrom(...valuesOf(type)), { freq: 4, nil: undefined }),
        ),
      )
      .map((values) => ({
        target,
        given: new Map(
          target.arguments.flatMap(({ name }, place) => {
            const value = values[place];
            return value === undefined ? [] : [[name, value]];
          }),
        ),
      })),
  );
}

/** What fast-check finds, told with what runs it again; null where all is well. */
async function searchFor(hostile: Hostile): Promise<string | null> {
  const result = await fc.check(
    fc.asyncProperty(
      fc.array(fc.constantFrom(...SETTINGS), { maxLength: 3 }),
      fc.array(anyCall(hostile.targets), { minLength: 1, maxLength: 4 }),
      async (settings, calls) => {
        await resetSession(hostile);
        for (const setting of settings) {
          // Not every login may set each.
          await hostile.session.query(setting).catch(() => undefined);
        }
        for (const { target, given } of calls) {
          expect(await callHostile(hostile.session, target, given)).toBeNull();
        }
        expect(await hostile.alarms()).toBe(0);
      },
    ),
    { seed, numRuns: RUNS, interruptAfterTimeLimit: SEARCH_MS_MAX, endOnFailure: false },
  );
  return result.failed
    ? `${fc.defaultReportMessage(result)}\n${String(result.errorInstance)}\nHOSTILE_SEED=${seed}`
    : null;
}

test.for(ROLES)(
  "a login with %s gets no more than that out of any call",
  { timeout: LONGEST_MS },
  async (role, { connect, url }) => {
    const owner = await connect();
    await owner.query(SEED_TASKS);
    const rights = () =>
      query(
        owner,
        `select proname, proacl, proowner from pg_proc where pronamespace = 'triaged'::regnamespace
       union all
       select relname, relacl, relowner from pg_class where relnamespace = 'triaged'::regnamespace
         and not relispartition
       order by 1`,
      );
    const before = await rights();
    const hostile = await logInHostile(owner, url, role);
    try {
      expect(hostile.targets.length).toBeGreaterThan(3);
      await resetSession(hostile);

      expect(await callEach(hostile)).toEqual([]);
      expect(await searchFor(hostile)).toBeNull();

      for (const statement of FRIENDLY) {
        await owner.query(statement);
      }
      expect(await rights()).toEqual(before);
      expect(
        await query(
          owner,
          `select rolsuper, rolcreaterole, rolbypassrls, array(
           select roleid::regrole::text from pg_auth_members where member = pg_roles.oid
         ) as roles from pg_roles where rolname = $1`,
          [hostile.name],
        ),
      ).toEqual([{ rolsuper: false, rolcreaterole: false, rolbypassrls: false, roles: [role] }]);
      expect(
        await query(
          owner,
          `select distinct login from triaged.task_history where login not in ($1, session_user)`,
          [hostile.name],
        ),
      ).toEqual([]);
      await owner.query("begin isolation level repeatable read");
      const report = await verifyAudit(inSchema(owner), { sinceMs: null, limitMs: 60_000 });
      await owner.query("rollback");
      expect(report).toMatchObject({ ok: true, violations: [] });
    } finally {
      await hostile.close();
    }
  },
);

test("a trap goes off where it runs with another's rights", async ({ connect, url }) => {
  const owner = await connect();
  const hostile = await logInHostile(owner, url, "triaged_api");
  try {
    await hostile.session.query("select evil.sing()");
    expect(await hostile.alarms()).toBe(0);

    await owner.query("select row(1)::evil.thing::text");

    expect(await hostile.alarms()).toBe(1);
  } finally {
    await hostile.close();
  }
});

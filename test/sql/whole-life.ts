import { Client, Pool } from "pg";
import { pino } from "pino";
import { createClient } from "../../src/client/client.ts";
import { claimTasks, reportProgress, settleTasks } from "../../src/database/attempts.ts";
import { inSchema } from "../../src/database/database.ts";
import { openPool } from "../../src/database/pool.ts";
import {
  createPartitions,
  dropExpiredPartitions,
  mergePartitions,
} from "../../src/database/retention.ts";
import {
  heartbeatWorker,
  readCancelRequests,
  registerWorker,
  rescueTasks,
} from "../../src/database/workers.ts";
import { parseDatabaseUrl } from "../../src/settings/database-url.ts";
import { createTriageClient } from "../../src/triage/client.ts";
import { migrate } from "../support/databases.ts";
import { runMain } from "../support/run-main.ts";
import { query } from "../support/tasks.ts";

/** Half an hour past midnight, in an hour that the clocks of Berlin have twice that night. */
export const LIFE_AT = "2031-10-26T00:30:00.123456Z";
const A_YEAR_LATER = "2032-11-20T12:00:00Z";

type Told = readonly [what: string, answer: unknown];

/**
 * Live the life of a queue on an empty database whose clock stands at `LIFE_AT`, by all of its
 * doors, and tell what each one answered. Two lives are the same if nothing else is.
 */
export async function liveWhole(url: string): Promise<Told[]> {
  const told: Told[] = [];
  const tell = (what: string, answer: unknown) => told.push([what, canonical(answer)]);
  await migrate({ connectionString: url }, { onWarning: (text) => tell("warning", text) });
  // A producer's sessions, as the database sets them.
  const db = new Client({ connectionString: url });
  await db.connect();
  const pool = new Pool({ connectionString: url, max: 2 });
  // A worker's.
  const ours = openPool(parseDatabaseUrl(url), {
    role: "worker",
    pool: { max: 2, acquireTimeoutMs: 10_000, recycleMs: 60_000 },
    logger: pino({ enabled: false }),
  });
  try {
    await produce(db, pool, tell);
    await work(inSchema(ours, "triaged"), db, tell);
    await askClient(pool, tell);
    await command(url, tell);
    await tellRows(db, tell);
    await retain(db, inSchema(ours, "triaged"), tell);
    return told;
  } finally {
    await Promise.all([db.end(), pool.end(), ours.end()]);
  }
}

type Tell = (what: string, answer: unknown) => void;

async function produce(db: Client, pool: Pool, tell: Tell): Promise<void> {
  const ask = async (statement: string, values: readonly unknown[] = []) =>
    tell(statement, await query(db, statement, values));
  await ask("select * from triaged.enqueue_task('noop', '{\"a\": [1.5, null, \"ä\"]}')");
  await ask("select * from triaged.enqueue_task('noop', priority => 'critical')");
  await ask(
    `select * from triaged.enqueue_task('noop', run_at => '2031-10-26T01:15:00.654321Z',
       dedupe_key => 'k', dedupe_for => interval '1 day 02:03:04')`,
  );
  await ask("select * from triaged.enqueue_tasks($1)", [
    JSON.stringify([
      { task_type: "noop", run_at: "2031-10-26 02:30:00" },
      { task_type: "noop", run_at: "2031-10-25T02:30:00.000001+02:00", priority: "low" },
      {
        task_type: "noop",
        dedupe_key: "bulk",
        dedupe_for: "-1 day 02:03:04",
        metadata: { a: 1e20 },
      },
    ]),
  ]);
  await ask("insert into triaged.tasks (task_type, payload) values ('noop', '{\"b\": 1}')");
  await ask(
    `insert into triaged.triage_tasks (task_type, source_repo, target_repo, change_event)
     values ('consumer_triage', 'a/b', 'c/d', '{}')`,
  );
  await ask("select triaged.save_relationship('a.x/b', 'c_y/d-1', 'api_consumer', '{}')");
  await ask(
    `select * from triaged.notify_change('{"source_repo": "a.x/b", "commit_sha": "1",
       "commit_message": "m", "branch": "refs/heads/main"}')`,
  );
  await ask(
    `select * from triaged.enqueue_scheduled('s', '2031-10-26T01:00:00Z',
       '{"task_type": "noop", "run_at": "2031-10-26T00:10:00Z"}')`,
  );
  const client = createClient({ pool });
  tell("enqueue", await client.enqueue("noop", { c: 1 }, { runAt: new Date("2031-10-26T00:20Z") }));
  tell("many", await client.enqueueMany([{ taskType: "noop", payload: {}, priority: 0 }]));
}

type Db = ReturnType<typeof inSchema>;

async function register(db: Db, name: string): Promise<string> {
  return await registerWorker(db, {
    name,
    host: "host",
    pid: 1,
    queues: ["default"],
    concurrency: 3,
    leaseMs: 15_000,
    taskTypes: [{ name: "noop", maxAttempts: 3 }],
  });
}

const ENDS = [
  { outcome: "finish", result: { summary: "Ä" } },
  { outcome: "retry", error: "broken", delay_ms: 90_061_001 },
  { outcome: "ask", prompt: "really?" },
  { outcome: "snooze", delay_ms: 5_400_000 },
  { outcome: "fail", error: "for good", detail: { class: "other" } },
  { outcome: "release" },
];

/** A worker claims, with a bound, and ends its tasks in all ways but one; people do the rest. */
async function work(db: Db, producer: Client, tell: Tell): Promise<void> {
  const workerId = await register(db, "w-1");
  const held = await claimAll(db, workerId, tell);
  tell("held", held);
  tell("beat", await heartbeatWorker(db, workerId));
  const [one] = held;
  if (one === undefined) throw new Error("expected tasks to be claimed, got none");
  const attempt = { taskId: one.task_id, attempt: one.attempt };
  tell("progress", await reportProgress(db, attempt, { percent: 50, step: "half" }));
  const settled = ENDS.flatMap((end, at) => {
    const each = held[at];
    return each === undefined ? [] : [{ ...end, ...each }];
  });
  const outcomes = JSON.stringify(settled);
  tell("settled", await settleTasks(db, { outcomes, count: settled.length }));
  const idOf = (outcome: string) =>
    settled.find((each) => each.outcome === outcome)?.task_id ?? "0";
  const say = async (statement: string, values: readonly unknown[]) =>
    tell(statement, await query(producer, statement, values));
  await say("select triaged.decide_task($1, '{\"yes\": true}')", [idOf("ask")]);
  await say("select triaged.retry_task($1)", [idOf("fail")]);
  await say("select triaged.cancel_task($1)", [idOf("snooze")]);
  const running = held.at(-1)?.task_id ?? "0";
  await say("select triaged.cancel_task($1)", [running]);
  tell("requests", await readCancelRequests(db, workerId));
  await say("update triaged.tasks set status = 'cancelled' where task_id = $1", [idOf("release")]);
  // A worker that was last seen an hour ago.
  const silence = "heartbeat_at = heartbeat_at - interval '1 hour'";
  await query(producer, `update triaged.workers set ${silence}`);
  // Locked in the order of the tasks; in which order they are told is a matter of the plan.
  const rescued = await rescueTasks(db, { maxWorkers: 10, maxRescues: 3 });
  tell("rescued", rescued.toSorted(byTask));
  await register(db, "w-2");
  for (const id of new Set([running, ...held.map((each) => each.task_id), "3", "99"])) {
    await say("select * from triaged.why($1)", [id]);
  }
}

function byTask(a: { taskId: string }, b: { taskId: string }): number {
  return Number(a.taskId) - Number(b.taskId);
}

/** One task, then those behind it; the attempts, by their tasks. */
async function claimAll(db: Db, workerId: string, tell: Tell) {
  const lane = { queue: "default", taskType: "noop", priority: 2 };
  const claim = { workerId, inputBytesMax: 1_000_000 };
  const [first] = await claimTasks(db, { ...claim, limit: 1, lanes: [lane] });
  tell("first", first);
  const beyond = { ...lane, after: { runAt: "9999-01-01 00:00:00+00", taskId: "0" } };
  const none = await claimTasks(db, { ...claim, limit: 1, lanes: [beyond] });
  tell("nothing before its bound", none.length);
  const after = first && { runAt: first.runAt, taskId: first.taskId };
  const lanes = [
    { ...lane, priority: 0 },
    { ...lane, after },
    { ...lane, priority: 3 },
  ];
  const rest = await claimTasks(db, { ...claim, limit: 10, lanes });
  tell("after its bound", rest.toSorted(byTask));
  return [...(first === undefined ? [] : [first]), ...rest]
    .toSorted(byTask)
    .map(({ taskId, attempt }) => ({ task_id: taskId, attempt }));
}

async function askClient(pool: Pool, tell: Tell): Promise<void> {
  const client = createClient({ pool });
  const triage = createTriageClient(client);
  tell("list", await client.list({ limit: 100 }));
  for (const id of ["1", "2", "3"]) {
    tell(`get ${id}`, await client.get(id));
    tell(`history ${id}`, await client.history(id));
    tell(`status ${id}`, await triage.getTaskStatus(id));
  }
  tell("counts", await triage.getQueueStats());
  const ended = (await client.list({ status: "finished" }))[0];
  tell("wait", await client.wait(ended?.taskId ?? "0", { timeoutMs: 5_000 }));
}

const COMMANDS: readonly string[] = [
  "enqueue noop --run-at 2031-10-26T02:00:00Z",
  "list",
  "list --json",
  "show 1",
  "show 3 --json",
  "history 1",
  "history 2 --json",
  "stats",
  "stats --json",
  "why 3",
  "pause default",
  "pause --type noop",
  "stats",
  "why 1",
  "pause",
  "resume default",
  "resume --type noop",
  "schedules",
  "schedules --json",
  "relationships add e.f/g h/i --type template_fork",
  "relationships list",
  "relationships list --json",
  "effects list",
  "effects list --json",
  "verify",
  "verify --json",
  "verify --since 1h",
];

async function command(url: string, tell: Tell): Promise<void> {
  for (const line of COMMANDS) {
    tell(`triaged ${line}`, await runMain(line.split(" "), { databaseUrl: url }));
  }
  const { stdout } = await runMain(["doctor", "--json"], { databaseUrl: url });
  const findings: { level: string; subject: string; found: string }[] = JSON.parse(stdout);
  tell(
    "doctor",
    findings
      // The tests' own server may lose what is on it.
      .filter(({ subject }) => subject !== "durability")
      .filter(({ level, found }) => level === "error" || found.includes("look"))
      .map(({ subject, found }) => [subject, found]),
  );
}

/** What is kept, as a session without settings of its own shows it. */
async function tellRows(db: Client, tell: Tell): Promise<void> {
  await query(db, "begin");
  await query(db, "set local intervalstyle to postgres");
  await query(db, "set local extra_float_digits to 1");
  for (const [table, key] of [
    ["live_tasks", "task_id"],
    ["final_tasks", "task_id"],
    ["task_history", "task_id, history_id"],
    ["workers", "worker_id"],
    ["dedupe_keys", "dedupe_key"],
    ["effects", "effect_id"],
    ["schedule_runs", "schedule"],
    ["task_statistics", "task_type, status"],
    ["queue_depth", "queue, task_type, status"],
    ["relationships", "source_repo"],
    ["partitions", "table_name, partition_name"],
  ]) {
    tell(
      `rows of ${table}`,
      // In which order a statement writes rows of history is a matter of its plan.
      await query(
        db,
        `select to_jsonb(told) - 'history_id' as row from triaged.${table} as told order by ${key}`,
      ),
    );
  }
  await query(db, "commit");
}

/** Enough for all steps, and for those that only wait while a vacuum looks at a partition. */
const MERGE_STEPS_MAX = 2_000;

/** Partitions are made, merged and dropped. */
async function retain(db: Client, ours: Db, tell: Tell): Promise<void> {
  tell("create_partitions", await query(db, "select triaged.create_partitions(10) as made"));
  await query(db, `set triaged.fake_now to '${A_YEAR_LATER}'`);
  await query(db, "insert into triaged.tasks (task_type) values ('later')");
  tell("days", await query(db, "select triaged.create_partitions(2) as made"));
  for (let steps = 0; steps < MERGE_STEPS_MAX; steps += 1) {
    const step = await query<{ step: string }>(
      db,
      "select * from triaged.merge_partitions(300, 0)",
    );
    // It waits while the server's own vacuum looks at a partition, which may happen in any life.
    if (step[0]?.step === "waits") continue;
    tell("merge", step);
    if (step.length === 0) break;
  }
  tell("expired", await query(db, "select * from triaged.expired_partitions(30, 0)"));
  tell("dropped", await query(db, "select triaged.drop_expired_partitions(30, 0)"));
  tell("expire_rows", await query(db, "select * from triaged.expire_rows()"));
  tell("expire_verdicts", await query(db, "select triaged.expire_verdicts()"));
  await tellRows(db, tell);
  await query(db, "reset triaged.fake_now");
  // As `triaged jobs` does it, at the time of before.
  const { made, errors } = await createPartitions(ours, { daysAhead: 12 });
  tell("made", [made, errors.map(({ message }) => message)]);
  tell("merged", await mergePartitions(ours));
  tell("dropped by jobs", await dropExpiredPartitions(ours));
}

const WITH_ZONE = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d(?::\d\d)*)/g;

/** Points in time in one zone, and in full: JSON of the server has them in that of the session. */
function canonical(answer: unknown): unknown {
  const text = JSON.stringify(answer) ?? "null";
  return JSON.parse(
    text.replaceAll(WITH_ZONE, (found) => {
      const [, fraction = ""] = /\.(\d+)/.exec(found) ?? [];
      const whole = new Date(found.replace(/\.\d+/, ""));
      return Number.isNaN(whole.getTime())
        ? found
        : `${whole.toISOString()} .${fraction.padEnd(6, "0")}`;
    }),
  );
}

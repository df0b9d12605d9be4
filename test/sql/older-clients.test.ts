// Goal: clients of the older system work unchanged once their login has triaged_compat on its
// search path: they enqueue under ids of their own, ask for the status by them, cancel, and work.
// Method: send their statements as they do, with values that have no type until the server reads
// them, as a login with triaged_api and nothing else.

import type { Client } from "pg";
import { expect } from "vitest";
import { createClient } from "../../src/index.ts";
import { createTriageClient } from "../../src/triage/client.ts";
import { test as base } from "../support/connections.ts";
import { logInAs } from "../support/hostile-role.ts";
import {
  call,
  claimTasks,
  enqueue,
  outcomeOf,
  query,
  queryOne,
  refusal,
  settle,
  startWorker,
} from "../support/tasks.ts";

const ID = "5f0c1bd2-7f67-4f0e-9d64-1a1df5a0f3f1";

const INSERT = `INSERT INTO tasks (
    task_id, skill_name, task_type, status,
    source_repo, target_repo, change_event, relationship_config
  ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`;
const STATUS = `SELECT
    task_id, skill_name, task_type, status, source_repo, target_repo,
    created_at, started_at, ended_at, result, error, worker_id, attempt_count
  FROM tasks WHERE task_id = $1`;
const CANCEL = `UPDATE tasks
  SET status = 'failed', error = 'Cancelled by user', ended_at = NOW()
  WHERE task_id = $1 AND status IN ('queued', 'started')`;
const NEXT = "SELECT * FROM get_next_task($1)";
const UPDATE = "SELECT update_task_status($1, $2, $3, $4)";

const PATHS = ["triaged_compat", "triaged_compat, triaged"];

/** `older` is the session of such a client. */
const test = base.extend<{ older: Client }>({
  older: async ({ db }, use) => {
    await logInAs(db, "triaged_api");
    await db.query("set local search_path to triaged_compat, triaged");
    await use(db);
  },
});

const rowOf = (id: string, given: { type?: string; event?: string } = {}) => {
  const type = given.type ?? "consumer_triage";
  return [id, `trigger_${type}`, type, "queued", "a/b", "c/d"].concat(
    given.event ?? '{"commit_sha": "1"}',
    '{"x": 1}',
  );
};

/** As drivers send a statement that has no parameters. */
const literal = (text: string, values: readonly (string | null)[]) =>
  values.reduce<string>(
    (sent, value, index) => sent.replace(`$${index + 1}`, value === null ? "NULL" : `'${value}'`),
    text,
  );
const insert = (db: Client, id = ID, given = {}) => db.query(INSERT, rowOf(id, given));
const statusOf = (db: Client, id = ID) => query(db, STATUS, [id]);

/** Claim by a worker of ours, and settle as told. */
async function work(db: Client, outcome: string, given: Record<string, unknown> = {}) {
  const types = ["consumer_triage", "template_triage", "change_notification", "other"];
  const [claimed] = await claimTasks(db, await startWorker(db, { name: "h-1", task_types: types }));
  return await settle(db, claimed ? [outcomeOf(claimed, outcome, given)] : []);
}

test.for(PATHS)(
  "a task lives under its producer's id, with the search path %s",
  async (path, { older }) => {
    await older.query(`set local search_path to ${path}`);

    await insert(older);
    const [queued] = await statusOf(older);
    const claimed = await query(older, NEXT, ["host-7"]);
    const [started] = await statusOf(older);
    await older.query(UPDATE, [ID, "finished", '{"risk": "low"}', null]);
    const [finished] = await statusOf(older);

    expect(queued).toEqual({
      task_id: ID,
      skill_name: "trigger_consumer_triage",
      task_type: "consumer_triage",
      status: "queued",
      source_repo: "a/b",
      target_repo: "c/d",
      created_at: expect.any(Date),
      started_at: null,
      ended_at: null,
      result: null,
      error: null,
      worker_id: null,
      attempt_count: 0,
    });
    expect(claimed).toEqual([
      {
        task_id: ID,
        skill_name: "trigger_consumer_triage",
        task_type: "consumer_triage",
        source_repo: "a/b",
        target_repo: "c/d",
        change_event: { commit_sha: "1" },
        relationship_config: { x: 1 },
      },
    ]);
    expect(started).toMatchObject({ status: "started", worker_id: "host-7", attempt_count: 1 });
    expect(finished).toMatchObject({ status: "finished", result: { risk: "low" }, error: null });
  },
);

test("the same statements work with literals", async ({ older }) => {
  await older.query(literal(INSERT, rowOf(ID)));
  await older.query(literal(NEXT, ["host-7"]));
  await older.query(literal(UPDATE, [ID, "failed", null, "no model"]));

  expect(await query(older, literal(STATUS, [ID]))).toMatchObject([
    { status: "queued", error: "no model", attempt_count: 1 },
  ]);
});

test("a row that is inserted comes back as it is stored", async ({ older }) => {
  const [row] = await query(older, `${INSERT} returning *`, rowOf(ID));

  expect(row).toMatchObject({
    task_id: ID,
    status: "queued",
    created_at: expect.any(Date),
    attempt_count: 0,
    max_attempts: 3,
    worker_id: null,
  });
});

test.for(["queued", "started", "finished", "failed", "cancelled"])(
  "the same insert again makes no second task once the first is %s, and a key was released",
  async (status, { db }) => {
    await db.query("set local search_path to triaged_compat");
    await insert(db);
    if (status === "cancelled") {
      await db.query(CANCEL, [ID]);
    } else if (status === "started") {
      await db.query(NEXT, ["host-7"]);
    } else if (status !== "queued") {
      await work(db, status === "finished" ? "finish" : "fail", { error: "x" });
    }
    await db.query("select * from triaged.expire_rows()");

    await insert(db);

    expect(await query(db, "select status from triaged.tasks")).toEqual([{ status }]);
    expect(await statusOf(db)).toHaveLength(1);
  },
);

async function numberOf(db: Client, id = ID): Promise<string> {
  const { task_id } = await queryOne<{ task_id: string }>(
    db,
    "select triaged.task_id_of($1) as task_id",
    [id],
  );
  return task_id;
}

test("another task under the id of one is refused, also after that has ended", async ({
  older,
}) => {
  await insert(older);
  const again = () => refusal(older, () => insert(older, ID, { event: '{"commit_sha": "2"}' }));
  const live = await again();
  await older.query(CANCEL, [ID]);
  const ended = await again();

  for (const refused of [live, ended]) {
    expect(refused).toMatchObject({
      code: "23505",
      message: expect.stringMatching(/^task \d+ has the id "5f0c1bd2.*, and is another one$/),
      hint: "The same task may be inserted again; another one needs an id of its own.",
    });
  }
});

test.for(["1", "42", "9223372036854775807"])(
  "the id %s, which is that of a number, is refused",
  async (id, { older }) => {
    expect(await refusal(older, () => insert(older, id))).toMatchObject({
      code: "22023",
      hint: "Put a word before it, or leave it out.",
    });
  },
);

test.for(["x", "007", "0", "-1", "1.0", "ü", "a b'c\"d\\e", "i".repeat(512), "9".repeat(20)])(
  "the id %j is kept and found",
  async (id, { older }) => {
    await insert(older, id);

    expect(await statusOf(older, id)).toMatchObject([{ task_id: id, status: "queued" }]);
    const status = await createTriageClient(createClient({ pool: older })).getTaskStatus(id);
    expect(status).toMatchObject({ task_id: await numberOf(older, id), status: "queued" });
  },
);

test.for(["", "i".repeat(513)])(
  "an id of %s characters too few or many is refused",
  async (id, { older }) => {
    expect(await refusal(older, () => insert(older, id))).toMatchObject({ code: "22023" });
  },
);

test("an id is kept for a task of any type, with the name of its skill", async ({ older }) => {
  await older.query(INSERT, [ID, "do_it", "other", "queued", null, null, "{}", "{}"]);

  expect(await statusOf(older)).toMatchObject([{ skill_name: "do_it", task_type: "other" }]);
});

test("a task of a type that would not be seen needs an id", async ({ older }) => {
  const refused = await refusal(older, () =>
    older.query("INSERT INTO tasks (task_type) VALUES ('other')"),
  );

  expect(refused).toMatchObject({ code: "22023", hint: expect.stringContaining("triaged.tasks") });
});

test("a task without an id of a producer is known by its number", async ({ older }) => {
  const taskId = await enqueue(older, { task_type: "consumer_triage", dedupe_key: "k" });
  await enqueue(older, { task_type: "noop" });

  expect(await query(older, "SELECT task_id, status FROM tasks")).toEqual([
    { task_id: taskId, status: "queued" },
  ]);
  expect(await query(older, NEXT, ["host-7"])).toMatchObject([{ task_id: taskId }]);
  await older.query(UPDATE, [taskId, "finished", null, null]);
  expect(await statusOf(older, taskId)).toMatchObject([{ status: "finished" }]);
});

test("a key that another task holds is not taken for an id", async ({ older }) => {
  await enqueue(older, { dedupe_key: ID });

  expect(await refusal(older, () => insert(older))).toMatchObject({
    code: "23505",
    message: expect.stringContaining("as its dedupe key"),
  });
});

test("an id is a dedupe key as well, for as long as the task is live", async ({ older }) => {
  await insert(older);

  const taken = await call(older, "enqueue_task", { task_type: "noop", dedupe_key: ID });
  expect(taken).toMatchObject([{ task_id: await numberOf(older), outcome: "duplicate" }]);
});

test("a cancel as they write it cancels what waits, and says so", async ({ older }) => {
  await insert(older);

  const { rowCount } = await older.query(CANCEL, [ID]);

  expect(rowCount).toBe(1);
  expect(await statusOf(older)).toMatchObject([{ status: "failed", error: "Cancelled by user" }]);
  expect(await query(older, "select status from triaged.tasks")).toEqual([{ status: "cancelled" }]);
  expect((await older.query(CANCEL, [ID])).rowCount).toBe(0);
});

test("a cancel of a task that runs asks its worker", async ({ older }) => {
  await insert(older);
  await older.query(NEXT, ["host-7"]);

  expect((await older.query(CANCEL, [ID])).rowCount).toBe(1);
  expect(await statusOf(older)).toMatchObject([{ status: "started" }]);

  await older.query(UPDATE, [ID, "failed", null, "aborted"]);
  expect(await statusOf(older)).toMatchObject([{ status: "failed", error: "aborted" }]);
  expect(await query(older, "select status from triaged.tasks")).toEqual([{ status: "cancelled" }]);
});

test("the reset by hand is the owner's", async ({ older }) => {
  const RESET = `UPDATE tasks SET status = 'queued', started_at = NULL, worker_id = NULL
    WHERE status = 'started' AND started_at < NOW() + INTERVAL '10 minutes'`;
  await insert(older);
  await older.query(NEXT, ["host-7"]);

  expect(await refusal(older, () => older.query(RESET))).toMatchObject({ code: "42501" });
});

test("an update by an owner reaches the task, in our words", async ({ db }) => {
  await db.query("set local search_path to triaged_compat");
  await insert(db);
  await db.query(NEXT, ["host-7"]);

  const { rowCount } = await db.query(
    `UPDATE tasks SET status = 'queued', started_at = NULL, worker_id = NULL
     WHERE status = 'started'`,
  );
  await db.query(`UPDATE tasks SET source_repo = 'e/f', max_attempts = 5 WHERE task_id = $1`, [ID]);

  expect(rowCount).toBe(1);
  expect(await statusOf(db)).toMatchObject([
    { status: "queued", source_repo: "e/f", worker_id: null, attempt_count: 1 },
  ]);
  expect(await query(db, "select event from triaged.task_history order by history_id")).toEqual(
    ["enqueue", "claim", "manual"].map((event) => ({ event })),
  );
});

test.for([
  "task_id = 'other'",
  "skill_name = 'other'",
  "attempt_count = 0",
  "created_at = now() - interval '1 day'",
  "worker_id = 'me'",
])("an update that sets %s is refused, not dropped", async (change, { db }) => {
  await db.query("set local search_path to triaged_compat");
  await insert(db);
  await db.query(NEXT, ["host-7"]);

  expect(await refusal(db, () => db.query(`UPDATE tasks SET ${change}`))).toMatchObject({
    code: "TR002",
  });
});

test("a task that waits for a person is queued in their words, and stays so in ours", async ({
  db,
}) => {
  await db.query("set local search_path to triaged_compat");
  await insert(db);
  await work(db, "ask", { prompt: "really?" });

  await db.query("UPDATE tasks SET max_attempts = 5 WHERE task_id = $1", [ID]);

  expect(await statusOf(db)).toMatchObject([{ status: "queued", worker_id: null }]);
  expect(await query(db, "select status, max_attempts from triaged.tasks")).toEqual([
    { status: "needs_decision", max_attempts: 5 },
  ]);
});

test("history has its older columns, for as long as the task is kept", async ({ older }) => {
  await insert(older);
  await older.query(NEXT, ["host-7"]);
  await older.query(UPDATE, [ID, "finished", null, null]);

  expect(
    await query(
      older,
      `SELECT id, task_id, status, timestamp, worker_id, error, duration_ms
       FROM task_history WHERE task_id = $1 ORDER BY timestamp, id`,
      [ID],
    ),
  ).toMatchObject([
    { task_id: ID, status: "queued", worker_id: null, timestamp: expect.any(Date) },
    { task_id: ID, status: "started", worker_id: "host-7" },
    { task_id: ID, status: "finished", worker_id: "host-7", duration_ms: "0" },
  ]);
});

test("statistics, counts and relationships have their older names", async ({ older }) => {
  await insert(older);
  await work(older, "finish");
  await insert(older, "second");
  await older.query(CANCEL, ["second"]);
  await call(older, "save_relationship", {
    source_repo: "a/b",
    target_repo: "c/d",
    relationship_type: "api_consumer",
  });

  expect(
    await query(older, "SELECT task_type, status, count FROM task_statistics ORDER BY status"),
  ).toEqual([
    { task_type: "consumer_triage", status: "failed", count: "1" },
    { task_type: "consumer_triage", status: "finished", count: "1" },
  ]);
  expect(await query(older, "SELECT status, COUNT(*) FROM tasks GROUP BY status")).toHaveLength(2);
  expect(
    await query(
      older,
      `SELECT s.repo_name AS source, t.repo_name AS target, r.relationship_type
       FROM dependency_relationships r
       JOIN repositories s ON s.id = r.source_repo_id JOIN repositories t ON t.id = r.target_repo_id`,
    ),
  ).toEqual([{ source: "a/b", target: "c/d", relationship_type: "api_consumer" }]);
  expect(await query(older, "SELECT requires_action, urgency FROM triage_results_cache")).toEqual(
    [],
  );
});

test("a cron line that cleans up does it by retention, for an owner alone", async ({ older }) => {
  const cleaning = () => older.query("SELECT cleanup_old_tasks()");
  expect(await refusal(older, cleaning)).toMatchObject({ code: "42501" });

  await older.query("reset role; reset session authorization");
  await older.query("set local search_path to triaged_compat, triaged");

  await expect(cleaning()).resolves.toMatchObject({ rowCount: 1 });
});

test("a delete is refused for owners, with what to call instead", async ({ db }) => {
  await db.query("set local search_path to triaged_compat");
  await insert(db);

  expect(
    await refusal(db, () =>
      db.query("DELETE FROM tasks WHERE created_at < NOW() + INTERVAL '7 days'"),
    ),
  ).toMatchObject({ code: "TR002", hint: expect.stringContaining("cleanup_old_tasks()") });
});

test("an unknown id is told by its words, not by a number", async ({ older }) => {
  expect(await statusOf(older, "nobody's")).toEqual([]);
  expect(
    await refusal(older, () => older.query(UPDATE, ["nobody's", "finished", null, null])),
  ).toMatchObject({ code: "TR001", message: `there is no task "nobody's"` });
});

test("on conflict do nothing works without a target; a view has no key to name", async ({
  older,
}) => {
  await older.query(`${INSERT} ON CONFLICT DO NOTHING`, rowOf(ID));
  await older.query(`${INSERT} ON CONFLICT DO NOTHING`, rowOf(ID));

  expect(await query(older, "SELECT task_id FROM tasks")).toEqual([{ task_id: ID }]);
  expect(
    await refusal(older, () =>
      older.query(`${INSERT} ON CONFLICT (task_id) DO NOTHING`, rowOf("other")),
    ),
  ).toMatchObject({ code: "42P10" });
});

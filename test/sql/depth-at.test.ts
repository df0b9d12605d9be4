// Goal: what depth_at and task_at say of any past instant is what was there then.
// Method: a random walk of transitions under a stopped clock, with what was there noted at each
// step; folded in pieces, or not at all; then each instant is asked for.

import * as fc from "fast-check";
import type { Client } from "pg";
import { expect } from "vitest";
import { test } from "../support/connections.ts";
import {
  claimTasks,
  enqueue,
  outcomeOf,
  query,
  queryOne,
  readTask,
  refusal,
  setClock,
  settle,
  startWorker,
} from "../support/tasks.ts";

const START = Date.parse("2031-05-05T11:58:00Z");

const STEPS = ["enqueue", "claim", "finish", "fail", "retry", "snooze", "ask", "release"] as const;
const HANDS = ["cancel", "retry_task", "decide", "change", "manual"] as const;
type Step = {
  readonly what: (typeof STEPS)[number] | (typeof HANDS)[number] | "fold";
  readonly seconds: number;
};

const walk = fc.array(
  fc.record({
    what: fc.constantFrom(
      ...STEPS,
      "enqueue" as const,
      "claim" as const,
      ...HANDS,
      "fold" as const,
    ),
    // Over the bounds of ten seconds, minutes and an hour.
    seconds: fc.constantFrom(0, 1, 4, 9.5, 61),
  }),
  { minLength: 40, maxLength: 60 },
);

async function depthNow(db: Client) {
  return await query(
    db,
    `select queue, task_type, status, count from triaged.queue_depth
     order by queue collate "C", task_type collate "C", status collate "C"`,
  );
}

async function depthAt(db: Client, at: string) {
  return await query(
    db,
    `select queue, task_type, status, count from triaged.depth_at($1)
     order by queue collate "C", task_type collate "C", status collate "C"`,
    [at],
  );
}

/** As fold_history does, which needs a transaction for each step. */
async function fold(db: Client): Promise<void> {
  await db.query(
    `with folded as (
       select folded_id as after,
         (select coalesce(max(history_id), 0) from triaged.task_history) as until
       from triaged.rollup_progress
     )
     select triaged.fold_rows(after, until) from folded`,
  );
  await db.query(
    "update triaged.rollup_progress set folded_id = (select coalesce(max(history_id), 0) from triaged.task_history)",
  );
  await db.query("select triaged.count_totals()");
}

async function begin(db: Client, at: string): Promise<string> {
  await setClock(db, at);
  await db.query("insert into triaged.rollup_progress default values on conflict do nothing");
  await fold(db);
  return await startWorker(db, { task_types: ["noop", "other"], queues: ["default", "night"] });
}

const ACTS = {
  cancel: { status: "queued", statement: "select triaged.cancel_task($1)" },
  retry_task: { status: "failed", statement: "select triaged.retry_task($1)" },
  decide: { status: "needs_decision", statement: `select triaged.decide_task($1, '"yes"')` },
  change: { status: "queued", statement: "select triaged.change_priority($1, 1)" },
  manual: {
    status: "needs_decision",
    statement: "update triaged.tasks set status = 'cancelled' where task_id = $1",
  },
} as const;

function isAct(what: string): what is keyof typeof ACTS {
  return what in ACTS;
}

async function takeStep(db: Client, workerId: string, { what }: Step, place: number) {
  if (what === "enqueue") {
    await enqueue(db, {
      task_type: place % 3 === 0 ? "other" : "noop",
      queue: place % 2 === 0 ? "default" : "night",
    });
  } else if (what === "claim") {
    await claimTasks(db, workerId, { max_tasks: 2 });
  } else if (what === "fold") {
    await fold(db);
  } else if (isAct(what)) {
    const { status, statement } = ACTS[what];
    const [task] = await query(
      db,
      "select task_id from triaged.tasks where status = $1 order by task_id limit 1",
      [status],
    );
    if (task !== undefined) await db.query(statement, [task["task_id"]]);
  } else {
    const [task] = await query<{ task_id: string; attempt: number }>(
      db,
      `select task_id, attempt_count as attempt from triaged.live_tasks
       where status = 'started' order by task_id limit 1`,
    );
    if (task !== undefined) {
      await settle(db, [{ ...task, outcome: what, error: "no", prompt: "well?", delay_ms: 1 }]);
    }
  }
}

test("depth and tasks of each past instant are those that were there", async ({ db }) => {
  await fc.assert(
    fc.asyncProperty(walk, async (steps) => {
      await db.query("savepoint walk");
      const workerId = await begin(db, new Date(START).toISOString());
      const noted = new Map<string, { depth: unknown; task: Record<string, unknown> | null }>();
      let now = START;
      for (const [place, step] of steps.entries()) {
        now += step.seconds * 1_000;
        const at = new Date(now).toISOString();
        await setClock(db, at);
        await takeStep(db, workerId, step, place);
        const [task = null] = await query(
          db,
          "select task_id, status, attempt_count from triaged.tasks order by task_id limit 1",
        );
        noted.set(at, { depth: await depthNow(db), task });
      }
      for (const [at, { depth, task }] of noted) {
        expect({ at, depth: await depthAt(db, at) }).toEqual({ at, depth });
        if (task !== null) {
          expect(
            await query(
              db,
              "select $1::bigint as task_id, status, attempt_count from triaged.task_at($1, $2)",
              [task["task_id"], at],
            ),
          ).toEqual([task]);
        }
      }
      await db.query("rollback to savepoint walk");
    }),
    { numRuns: 12 },
  );
});

test("an instant before the last day, before the first fold or to come is refused", async ({
  db,
}) => {
  const ask = async (at: string) =>
    (await refusal(db, () => db.query("select triaged.depth_at($1)", [at]))).code;
  await setClock(db, "2031-05-05T12:00:00Z");
  expect(await ask("2031-05-05T12:00:00Z")).toBe("22023");

  await begin(db, "2031-05-05T12:00:00Z");

  expect(await depthAt(db, "2031-05-05T12:00:00Z")).toEqual([]);
  expect(await ask("2031-05-05T11:59:59Z")).toBe("22023");
  expect(await ask("2031-05-05T12:00:01Z")).toBe("22023");
  await setClock(db, "2031-05-06T12:00:01Z");
  expect(await ask("2031-05-05T12:00:00Z")).toBe("22023");
});

test("a task is known from its enqueue on, and tells of its failures", async ({ db }) => {
  await setClock(db, "2031-05-05T12:00:00Z");
  const taskId = await enqueue(db, { max_attempts: 3 });
  await setClock(db, "2031-05-05T12:00:01Z");
  const [task] = await claimTasks(db, await startWorker(db));
  await setClock(db, "2031-05-05T12:00:02Z");
  await settle(db, task === undefined ? [] : [outcomeOf(task, "retry", { error: "no" })]);

  const at = async (time: string) =>
    await query(
      db,
      "select status, failed_attempts, worker_id is not null as is_held from triaged.task_at($1, $2)",
      [taskId, time],
    );
  expect(await at("2031-05-05T11:59:59Z")).toEqual([]);
  expect(await at("2031-05-05T12:00:01.5Z")).toEqual([
    { status: "started", failed_attempts: 0, is_held: true },
  ]);
  expect(await at("2031-05-05T12:00:03Z")).toEqual([
    { status: "queued", failed_attempts: 1, is_held: false },
  ]);
  expect((await readTask(db, taskId)).status).toBe("queued");
});

test("a queue that was changed by hand is put right at the next count", async ({ db }) => {
  await begin(db, "2031-05-05T12:00:00Z");
  const taskId = await enqueue(db);
  await fold(db);
  await db.query("update triaged.tasks set queue = 'night' where task_id = $1", [taskId]);

  await setClock(db, "2031-05-05T12:11:00Z");
  await fold(db);

  expect(await depthAt(db, "2031-05-05T12:11:00Z")).toEqual(await depthNow(db));
  expect(await queryOne(db, "select count(*)::integer from triaged.depth_totals")).toEqual({
    count: 1,
  });
});

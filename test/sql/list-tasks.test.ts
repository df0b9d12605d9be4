// Goal: a list by any filter, page by page, shows what the view tasks shows: live and final tasks,
// those whose end is folded and those whose end is not.
import type { Client } from "pg";
import { describe, expect } from "vitest";
import { test } from "../support/connections.ts";
import { failTask, makeDays, setTime } from "../support/partitions.ts";
import { foldAll } from "../support/rollups.ts";
import {
  call,
  claimTasks,
  enqueue,
  outcomeOf,
  query,
  queryOne,
  settle,
  startWorker,
} from "../support/tasks.ts";

const TYPES = ["consumer_triage", "noop", "rare"];

async function fill(client: Client, rounds: number): Promise<void> {
  const worker = await startWorker(client, { task_types: TYPES, queues: ["day", "night"] });
  const root = await enqueue(client, { task_type: "other" });
  for (let round = 0; round < rounds; round += 1) {
    for (const [place, task_type] of TYPES.entries()) {
      if (task_type === "rare" && round % 5 !== 0) {
        continue;
      }
      await enqueue(client, {
        task_type,
        queue: (round + place) % 3 === 0 ? "night" : "day",
        parent_task_id: round % 4 === 0 ? root : null,
        payload: { source_repo: "a/b", target_repo: `c/${round % 2}` },
        metadata: round % 3 === 0 ? { context_id: `x${round % 2}` } : {},
      });
    }
    const tasks = await claimTasks(client, worker, { max_tasks: 2 });
    const outcome = ["finish", "finish", "fail", "ask", "retry"][round % 5] ?? "finish";
    const given = { error: "no", prompt: "well?" };
    await settle(
      client,
      tasks.map((task) => outcomeOf(task, outcome, given)),
    );
  }
}

const FILTERS: readonly Record<string, unknown>[] = [
  {},
  ...["queued", "started", "needs_decision", "finished", "failed", "cancelled"].map((status) => ({
    status,
  })),
  ...[...TYPES, "unknown"].map((task_type) => ({ task_type })),
  { queue: "night" },
  { queue: "night", task_type: "noop", status: "finished" },
  { task_type: "rare", status: "failed" },
  { parent_task_id: "parent" },
  { worker_id: "worker" },
  { worker_id: "worker", status: "finished" },
  { worker_id: "worker", task_type: "noop" },
  { context_id: "x1" },
  ...["a/b", "c/1", "c/2"].map((repository) => ({ repository })),
  { repository: "c/1", task_type: "consumer_triage" },
  { repository: "c/1", task_type: "noop" },
  { repository: "a/b", status: "failed", queue: "night" },
];

/** Of filters that are no column. */
const CONDITIONS: Readonly<Record<string, string>> = {
  context_id: "metadata ->> 'context_id' = $",
  repository: "(payload ->> 'source_repo' = $ or payload ->> 'target_repo' = $)",
};

/** Every page, each of `rows`. */
async function pagesOf(client: Client, given: Record<string, unknown>, rows: number) {
  const found: unknown[] = [];
  let before: Record<string, unknown> = {};
  for (;;) {
    const page = await query<{ task_id: string; created_at: string }>(
      client,
      `select task_id, created_at::text from triaged.list_tasks(
         ${["max_rows => $1", ...Object.keys({ ...given, ...before }).map((name, place) => `${name} => $${place + 2}`)].join(", ")})`,
      [rows, ...Object.values({ ...given, ...before })],
    );
    found.push(...page.map(({ task_id }) => task_id));
    const last = page.at(-1);
    if (last === undefined || page.length < rows) {
      return found;
    }
    before = { before_created_at: last.created_at, before_task_id: last.task_id };
  }
}

describe("a list", () => {
  test("shows what the view shows, by each filter and page by page", async ({ client }) => {
    await fill(client, 20);
    await client.query("select triaged.fold_history()");
    await fill(client, 15);
    const { parent, worker } = await queryOne<Record<string, string>>(
      client,
      `select min(parent_task_id) as parent, min(worker_id) as worker from triaged.tasks`,
    );

    for (const filter of FILTERS) {
      const given = Object.fromEntries(
        Object.entries(filter).map(([name, value]) => [
          name,
          value === "parent" ? parent : value === "worker" ? worker : value,
        ]),
      );
      const wanted = Object.keys(given).map((name, place) =>
        (CONDITIONS[name] ?? `${name} = $`).replaceAll("$", `$$${place + 1}`),
      );
      const expected = await query(
        client,
        `select task_id from triaged.tasks ${wanted.length === 0 ? "" : `where ${wanted.join(" and ")}`}
         order by created_at desc, task_id desc`,
        Object.values(given),
      );

      expect({ filter, found: await pagesOf(client, given, 4) }).toEqual({
        filter,
        found: expected.map(({ task_id }) => task_id),
      });
    }
  });

  test("leaves out as many as it is told", async ({ client }) => {
    await fill(client, 12);
    const ids = async (given: Record<string, unknown>) =>
      (await call(client, "list_tasks", given)).map(({ task_id }) => task_id);
    const all = await ids({ queue: "day", max_rows: 100 });

    expect(await ids({ queue: "day", max_rows: 4, skip_rows: 5 })).toEqual(all.slice(5, 9));
    expect(await ids({ queue: "day", skip_rows: 100 })).toEqual([]);
  });

  test("shows an imported task once it is folded", async ({ client }) => {
    await call(client, "import_task", {
      task: { task_type: "old", status: "finished", ended_at: "2020-01-01T00:00:00Z" },
    });
    const shown = () => call(client, "list_tasks", { task_type: "old" });
    expect(await shown()).toHaveLength(1);

    await client.query("select triaged.fold_history()");

    expect(await shown()).toHaveLength(1);
    expect(await query(client, "select from triaged.task_statistics")).toEqual([]);
  });
});

test("a list shows what a worker that ended few tasks did on several days, page by page", async ({
  client,
}) => {
  await makeDays(client, "final_tasks", "2025-03-01", "2025-03-06");
  await makeDays(client, "task_history", "2025-03-01", "2025-03-06");
  await setTime(client, "2025-03-01T10:00:00Z");
  const rare = await startWorker(client, { task_types: ["noop"] });
  const busy = await startWorker(client, { task_types: ["noop"] });
  const done: string[] = [];
  for (const day of ["01", "03", "04", "05"]) {
    await setTime(client, `2025-03-${day}T12:00:00Z`);
    for (const worker of [rare, busy, busy]) {
      await enqueue(client, { task_type: "noop" });
      const tasks = await claimTasks(client, worker, { max_tasks: 1 });
      await settle(
        client,
        tasks.map((task) => outcomeOf(task, "finish")),
      );
      if (worker === rare) done.unshift(...tasks.map(({ task_id }) => task_id));
    }
  }
  await call(client, "end_worker", { worker_id: rare });

  expect(done).toHaveLength(4);
  for (const rows of [1, 3, 10]) {
    expect(await pagesOf(client, { worker_id: rare }, rows)).toEqual(done);
    expect(await pagesOf(client, { worker_id: rare, status: "finished" }, rows)).toEqual(done);
  }
});

test.for([
  { status: "failed", task_type: "noop" },
  { status: "failed", queue: "default" },
  { task_type: "noop" },
  { queue: "default" },
])(
  "a list by %o goes on behind failed tasks that were retried since, however many",
  async (filter, { client }) => {
    for (const table of ["final_tasks", "task_history"] as const) {
      await makeDays(client, table, "2025-03-01", "2025-03-01");
    }
    const failedAt = async (hour: number, minutes: number) => {
      const ids: string[] = [];
      for (let minute = 10; minute < 10 + minutes; minute += 1) {
        ids.unshift(await failTask(client, `2025-03-01T${hour}:${minute}:00Z`));
      }
      return ids;
    };
    const older = await failedAt(10, 3);
    const retried = await failedAt(12, 20);
    await foldAll(client);
    await client.query("select triaged.retry_task(id) from unnest($1::bigint[]) as ids (id)", [
      retried,
    ]);
    await foldAll(client);

    const all = filter.status === undefined ? [...retried, ...older] : older;
    for (const rows of [1, 2, 7]) {
      expect(await pagesOf(client, filter, rows)).toEqual(all);
    }
  },
);

test("lineage shows a root, its children and theirs, with their levels", async ({ db }) => {
  const root = await enqueue(db);
  const child = await enqueue(db, { parent_task_id: root });
  const grandchild = await enqueue(db, { parent_task_id: child });
  await enqueue(db);

  const rows = await call(db, "get_task_hierarchy", { root_task_id: root });

  expect(rows.map(({ task_id, level }) => [task_id, level])).toEqual([
    [root, 0],
    [child, 1],
    [grandchild, 2],
  ]);
});

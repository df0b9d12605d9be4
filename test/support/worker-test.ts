import { Client } from "pg";
import { test as base, createDatabase, found, waitFor } from "./db.ts";
import { queryOne } from "./tasks.ts";

/** A test with a database of its own, for processes to work on, and a client to look at it. */
export const test = base.extend<{ url: string; client: Client }>({
  url: async ({}, use) => {
    const { url, drop } = await createDatabase();
    await use(url);
    await drop();
  },
  client: async ({ url }, use) => {
    const client = new Client({ connectionString: url });
    // A test may have the server end the connection.
    client.on("error", () => undefined);
    await client.connect();
    await use(client);
    await client.end();
  },
});

/**
 * The same, a few of a file at a time: for tests that mostly wait for their processes. Vitest's
 * own `expect.poll` and `expect.soft` do not know to which of them they belong, and throw.
 */
export const concurrentTest = test.concurrent;

export type TaskRow = {
  status: string;
  result: unknown;
  error: string | null;
  attempt_count: number;
  failure_count: number;
  rescue_count: number;
  run_at: Date;
  progress_pct: number | null;
  current_step: string | null;
};

export async function readTask(client: Client, taskId: string): Promise<TaskRow> {
  return await queryOne<TaskRow>(client, "select * from triaged.tasks where task_id = $1", [
    taskId,
  ]);
}

/** Wait until the task has the status, and resolve to its row. */
export async function waitForStatus(
  client: Client,
  taskId: string,
  status: string,
): Promise<TaskRow> {
  return found(
    await waitFor(
      async () => {
        const task = await readTask(client, taskId);
        return task.status === status ? task : undefined;
      },
      { deadlineMs: 20_000 },
    ),
  );
}

/** The story of a task: event and status, oldest first. */
export async function readStory(client: Client, taskId: string): Promise<string[]> {
  const { rows } = await client.query<{ line: string }>(
    `select event || ' ' || status as line from triaged.task_history
     where task_id = $1 order by history_id`,
    [taskId],
  );
  return rows.map((row) => row.line);
}

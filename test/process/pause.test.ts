import { expect } from "vitest";
import { concurrentTest as test, waitFor } from "../support/connections.ts";
import { runCli, runJson, startWorkerProcess } from "../support/processes.ts";
import { enqueue, query, readTask, waitForStatus } from "../support/tasks.ts";

test.for([
  ["a queue", ["held"], "queue held is paused"],
  ["a task type", ["--type", "noop"], "task type noop is paused"],
] as const)(
  "nothing of %s that is paused is claimed until it is resumed",
  async ([, words, reason], { url, client }) => {
    const onDatabase = (...line: string[]) => runCli(line, { env: { DATABASE_URL: url } });
    await using _worker = startWorkerProcess(url, { args: ["--queue", "default,held"] });
    await waitForStatus(client, await enqueue(client, { task_type: "noop" }), "finished");

    expect((await onDatabase("pause", ...words)).code).toBe(0);
    const held = await enqueue(client, { task_type: "noop", queue: "held" });
    // What the pause does not mean goes on, so the worker has looked since.
    const other = await enqueue(client, { task_type: "return", payload: { what: "nothing" } });
    await waitForStatus(client, other, "finished");
    expect(await readTask(client, held)).toMatchObject({ status: "queued", attempt_count: 0 });
    expect(await runJson(url, ["why", held])).toMatchObject([{ reason }, {}]);
    expect(
      await query(
        client,
        "select queue, due, paused_at is not null as paused from triaged.queue_depth",
      ),
    ).toEqual([{ queue: "held", due: "1", paused: true }]);

    expect((await onDatabase("resume", ...words)).code).toBe(0);
    await waitForStatus(client, held, "finished");
  },
);

test("pause lists what is paused, and a name that nobody knows is noted", async ({
  url,
  client,
}) => {
  await enqueue(client, { queue: "mail" });
  const onDatabase = (...line: string[]) => runCli(line, { env: { DATABASE_URL: url } });
  expect((await onDatabase("pause")).stdout).toBe("nothing is paused\n");

  expect(await onDatabase("pause", "maill")).toMatchObject({
    code: 0,
    stdout: "queue maill is paused\n",
    stderr: "no task and no worker knows queue maill; did you mean mail?\n",
  });
  expect(await runJson(url, ["pause", "--type", "letter"])).toEqual({
    kind: "task type",
    name: "letter",
    outcome: "paused",
  });
  expect(await runJson(url, ["pause"])).toMatchObject([
    { kind: "queue", name: "maill" },
    { kind: "task type", name: "letter" },
  ]);
  expect((await onDatabase("pause")).stdout).toMatch(/^paused +name +since\nqueue +maill +\d{4}-/);
  expect(await onDatabase("resume", "mail")).toMatchObject({
    code: 64,
    stderr: "error: queue mail is not paused\nhint: did you mean maill?\n",
  });
  expect(await onDatabase("resume")).toMatchObject({ code: 64 });
});

test("a pause goes on since its beginning, and a type keeps what its handler declares", async ({
  client,
}) => {
  await client.query("select triaged.pause_task_type('late')");
  const since = async () =>
    (await query<{ paused_at: Date }>(client, "select paused_at from triaged.pauses"))[0]
      ?.paused_at;
  const first = await since();
  await waitFor(async () => (await query(client, "select from pg_sleep(0.01)")).length === 1);
  await client.query("select triaged.pause_task_type('late')");
  expect(await since()).toEqual(first);

  await client.query("select triaged.register_worker('w', '{late}', max_attempts => '{7}')");
  expect(await query(client, "select max_attempts, paused_at from triaged.task_types")).toEqual([
    { max_attempts: 7, paused_at: first },
  ]);
  await client.query("select triaged.resume_task_type('late')");
  expect(await query(client, "select from triaged.pauses")).toEqual([]);
});

// enqueue against a database: what it sends, prints and waits for.
import { writeFileSync } from "node:fs";
import path from "node:path";
import { expect } from "vitest";
import { z } from "zod";
import { test, waitFor } from "../support/connections.ts";
import { makeTemporaryFolder } from "../support/folders-and-ports.ts";
import { drain, runCli, runJson, startCli } from "../support/processes.ts";

const Enqueued = z.object({ task_id: z.number(), outcome: z.string() });

async function enqueue(url: string, ...words: string[]) {
  return Enqueued.parse(await runJson(url, ["enqueue", ...words]));
}

test("it prints the id to a person, and one JSON object to a program", async ({ database }) => {
  const env = { DATABASE_URL: database.url };

  const person = await runCli(["enqueue", "noop", '{"a": 1}'], { env });
  const program = await runCli(["enqueue", "noop", "--json"], { env });

  expect(person).toMatchObject({ code: 0, stderr: "" });
  expect(person.stdout).toMatch(/^task \d+ is queued\n$/);
  expect(program.stdout).toMatch(/^\{"task_id":\d+,"outcome":"created"\}\n$/);
});

test("it sends every flag", async ({ database }) => {
  const parent = await enqueue(database.url, "noop");
  const words =
    'flags {"a":"é"} -q mail -p critical --max-attempts 9 --run-at 2030-01-02T03:04:05Z ' +
    `--dedupe-key flags --dedupe-for 1h --parent ${parent.task_id}`;

  const { task_id: id } = await enqueue(database.url, ...words.split(" "));

  expect(await runJson(database.url, ["show", String(id)])).toMatchObject({
    task_id: id,
    task_type: "flags",
    payload: { a: "é" },
    queue: "mail",
    priority: 0,
    max_attempts: 9,
    run_at: "2030-01-02T03:04:05.000Z",
    dedupe_key: "flags",
    parent_task_id: parent.task_id,
  });
});

test("the payload comes from a file, from stdin, or is empty", async ({ database }) => {
  const folder = await makeTemporaryFolder();
  const file = path.join(folder.path, "payload.json");
  writeFileSync(file, '{\n  "from": "file"\n}\n');
  const env = { DATABASE_URL: database.url };
  const payloadOf = async (words: string[], input?: string) => {
    const { stdout } = await runCli(["enqueue", "noop", ...words, "--json"], {
      env,
      ...(input === undefined ? {} : { input }),
    });
    const { task_id: id } = Enqueued.parse(JSON.parse(stdout));
    return z.object({ payload: z.unknown() }).parse(await runJson(database.url, ["show", `${id}`]));
  };

  expect(await payloadOf([`@${file}`])).toEqual({ payload: { from: "file" } });
  expect(await payloadOf(["-"], '{"from": "stdin"}')).toEqual({ payload: { from: "stdin" } });
  expect(await payloadOf([])).toEqual({ payload: {} });
  await folder.remove();
});

test("the name of a file without its @ is answered with what was meant", async ({ database }) => {
  const env = { DATABASE_URL: database.url };

  expect(await runCli(["enqueue", "noop", "./package.json"], { env })).toMatchObject({
    code: 64,
    stderr:
      "error: expected JSON, got the name of a file: ./package.json\n" +
      "hint: did you mean @./package.json?\n",
  });
});

test("a dedupe key makes it a duplicate or a replacement", async ({ database }) => {
  const first = await enqueue(database.url, "noop", "{}", "--dedupe-key", "k");

  expect(await enqueue(database.url, "noop", "{}", "--dedupe-key", "k")).toEqual({
    task_id: first.task_id,
    outcome: "duplicate",
  });
  expect(
    await enqueue(database.url, "noop", "{}", "--dedupe-key", "k", "--dedupe-mode", "replace"),
  ).toEqual({ task_id: first.task_id, outcome: "replaced" });
});

test("--wait exits 0 with the result of a task that finished", async ({ database }) => {
  const env = { DATABASE_URL: database.url };
  const person = startCli(["enqueue", "noop", "--queue", "waited", "--wait"], { env });
  const program = startCli(["enqueue", "noop", "--queue", "waited", "--wait", "--json"], { env });
  await waitFor(() => [person, program].every(({ output }) => output.stderr.includes("queued")));

  await drain(database.url, { queue: "waited" });

  const shown = await person.ended;
  expect(shown).toMatchObject({ code: 0, stdout: '{\n  "done": true\n}\n' });
  expect(shown.stderr).toMatch(/^task \d+: queued\n(.|\n)*task \d+ finished after \d+/);
  const { code, stdout } = await program.ended;
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toEqual({
    task_id: expect.any(Number),
    outcome: "created",
    status: "finished",
    result: { done: true },
    error: null,
  });
});

test("--wait exits 1 with the error of a task that failed", async ({ database }) => {
  const env = { DATABASE_URL: database.url };
  const words = ["enqueue", "throw", '{"what": "permanent"}', "--queue", "fail", "--wait"];
  const person = startCli(words, { env });
  const program = startCli([...words, "--json"], { env });
  await waitFor(() => [person, program].every(({ output }) => output.stderr.includes("queued")));

  await drain(database.url, { queue: "fail" });

  const shown = await person.ended;
  expect(shown).toMatchObject({ code: 1, stdout: "" });
  expect(shown.stderr).toMatch(/task \d+ failed: .*cannot work[^]*\nhint: triaged history \d+\n$/);
  const { code, stdout } = await program.ended;
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({
    status: "failed",
    result: null,
    error: expect.stringContaining("cannot work"),
  });
});

test("--wait exits 75 when the timeout is over, and says why nothing happens", async ({
  database,
}) => {
  const { code, stdout, stderr } = await runCli(
    ["enqueue", "nobody_has_this", "--wait", "--timeout", "4s", "--json"],
    { env: { DATABASE_URL: database.url } },
  );

  expect(code).toBe(75);
  expect(JSON.parse(stdout)).toMatchObject({ status: "queued", result: null, error: null });
  expect(stderr).toMatch(/^task \d+: queued\n {2}no worker/);
});

test("Ctrl-C ends the wait and not the task", async ({ database }) => {
  const env = { DATABASE_URL: database.url };
  const waiting = startCli(["enqueue", "noop", "--queue", "later", "--wait"], { env });
  await waitFor(() => waiting.output.stderr.includes("queued"));

  waiting.signal("SIGINT");

  const { code, stderr } = await waiting.ended;
  expect(code).toBe(130);
  expect(stderr).toMatch(/task \d+ is queued and goes on\nhint: triaged show \d+\n$/);
});

test("a payload above MAX_PAYLOAD_BYTES is refused, one below a raised limit is stored", async ({
  database,
}) => {
  const input = JSON.stringify({ a: "x".repeat(1_500_000) });
  const words = ["enqueue", "noop", "-", "--json"];
  const env = { DATABASE_URL: database.url };

  const refused = await runCli(words, { env, input });
  const stored = await runCli(words, { env: { ...env, MAX_PAYLOAD_BYTES: "2000000" }, input });

  expect(refused).toMatchObject({ code: 64, stdout: "" });
  expect(stored).toMatchObject({ code: 0, stderr: "" });
});

// What is typed wrong ends with exit code 64, one line and a hint, and needs no database.
// One of each kind is a process; the others, dozens, call what the process calls.
import { describe, expect, test } from "vitest";
import type { CommandList } from "../../src/cli/application.ts";
import { commandsWith } from "../../src/cli/main.ts";
import { triage } from "../../src/triage/application.ts";
import { runCli } from "../support/processes.ts";
import { runMain } from "../support/run-main.ts";

const NAMES = [...commandsWith(triage).keys()];

/** Command line, error, hint; the latter two as they begin. */
const REFUSED = [
  [["enqeue"], 'unknown command "enqeue"', "did you mean `triaged enqueue`?"],
  [["xyzzyplugh"], 'unknown command "xyzzyplugh"', "triaged --help lists them"],
  [["list", "--stauts", "x"], "unknown flag --stauts", "did you mean --status? triaged list"],
  [["list", "-z"], "unknown flag -z", "triaged list --help"],
  [["list", "--json=yes"], "--json takes no value", "triaged list --help"],
  [["list", "--limit"], "--limit needs a value: --limit N", "triaged list --help"],
  [["list", "--limit", "--json"], "--limit needs a value: --limit N", "triaged list --help"],
  [
    ["list", "--limit", "0"],
    '--limit: expected an integer from 1 to 100, got "0"',
    "triaged list --help",
  ],
  [
    ["list", "--status", "done"],
    "--status: expected one of queued, started, needs_decision, finished, failed, cancelled",
    "triaged list --help",
  ],
  [["show"], "TASK_ID is missing", "triaged show --help"],
  [["show", "1", "2"], 'unexpected argument "2"', "triaged show --help"],
  [["show", "first"], 'TASK_ID: expected the number of a task, got "first"', "triaged show --help"],
  [
    ["show", "9223372036854775808"],
    "TASK_ID: expected the number of a task",
    "triaged show --help",
  ],
  [
    ["retry"],
    "expected TASK_ID, or --type, --queue, --status, or --where, and not both",
    "triaged retry",
  ],
  [["retry", "1", "--type", "a"], "expected TASK_ID, or --type", "triaged retry --help"],
  [
    ["relationships"],
    "relationships needs one of import, export, settings, list, add, remove",
    "triaged relat",
  ],
  [
    ["relationships", "lsit"],
    'unknown command "relationships lsit"',
    "did you mean `triaged relationships list`?",
  ],
  [["relationshipz"], 'unknown command "relationshipz"', "did you mean `triaged relationships`?"],
  [["relationships", "add", "a/b"], "TARGET is missing", "triaged relationships add --help"],
  [
    ["relationships", "add", "a/b", "c"],
    'TARGET: expected a repository like owner/name, got "c"',
    "triaged relationships add --help",
  ],
  [
    ["relationships", "add", "a/b", "c/d", "--type", "fork"],
    '--type: expected one of api_consumer, template_fork, got "fork"',
    "triaged relationships add --help",
  ],
  [["pause", "mail", "--type", "letter"], "expected QUEUE or --type, and not both", "run it twice"],
  [["resume"], "expected QUEUE or --type", "triaged pause lists them"],
  [["notify"], "EVENT is missing", "triaged notify --help"],
  [["notify", "{}", "--timeout", "1s"], "--timeout needs --wait", "triaged notify --help"],
  [["work", "--concurrency", "0"], "--concurrency: expected an integer from 1", "triaged work"],
  [["work", "--queue", "a,,b"], "--queue: expected up to 100 names with commas", "triaged work"],
  [["key"], "NAME is missing", "triaged key --help"],
  [["key", "ci"], "--role is missing", "triaged key --help"],
  [["key", "ci", "--role", "root"], "--role: expected one of read, enqueue", "triaged key --help"],
  [["key", "worker", "--role", "read"], "NAME: expected a name other than worker", "triaged key"],
  [["serve", "--port", "65536"], "--port: expected an integer from 0 to 65535", "triaged serve"],
  [["enqueue"], "TYPE is missing", "triaged enqueue --help"],
  [["enqueue", "noop", "{}", "--timeout", "1s"], "--timeout needs --wait", "triaged enqueue"],
  [
    ["enqueue", "noop", "--priority", "4"],
    '--priority: expected 0 to 3 or one of critical, high, medium, low, got "4"',
    "triaged enqueue --help",
  ],
  [
    ["enqueue", "noop", "--priority", "-1"],
    '--priority: expected 0 to 3 or one of critical, high, medium, low, got "-1"',
    "triaged enqueue --help",
  ],
  [
    ["enqueue", "noop", "--run-at", "99999-01-01"],
    '--run-at: expected a time such as 2027-01-31T08:00:00Z or +10m, got "99999-01-01"',
    "triaged enqueue --help",
  ],
  [
    ["enqueue", "noop", "--run-at", "2027-02-31T25:00"],
    "--run-at: expected a time such as",
    "triaged enqueue --help",
  ],
  [
    ["enqueue", "noop", "--dedupe-for", "soon"],
    '--dedupe-for: expected a duration such as 90s, 10m, 2h or 7d, got "soon"',
    "triaged enqueue --help",
  ],
  [
    ["enqueue", "noop", "--max-attempts", "101"],
    '--max-attempts: expected an integer from 1 to 100, got "101"',
    "triaged enqueue --help",
  ],
] as const;

test("without a command it lists them on stderr", async () => {
  const { code, stdout, stderr } = await runCli([]);

  expect({ code, stdout }).toEqual({ code: 64, stdout: "" });
  for (const name of NAMES) {
    expect(stderr).toContain(`\n  ${name} `);
  }
});

test.for([["--help"], ["-h"], ["help"]])("%s lists the commands on stdout", async ([word = ""]) => {
  const { code, stdout, stderr } = await runCli([word]);

  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toContain("Usage: triaged COMMAND");
});

test("an application cannot take the name of a command of the queue", () => {
  const commands: CommandList = new Map([["list", () => Promise.reject(new Error("not asked"))]]);

  expect(() => commandsWith({ ...triage, commands })).toThrow('a command "list", as the queue has');
});

test("--version prints the version", async () => {
  expect(await runCli(["--version"])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
  });
});

test.for(NAMES)("%s --help has usage, flags and examples", async (name) => {
  const { code, stdout, stderr } = await runMain([...name.split(" "), "--help"]);

  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(new RegExp(`^triaged ${name}: \\w.*\n\nUsage: triaged ${name} `));
  expect(stdout).toMatch(new RegExp(`\nFlags:\n[^]*\nExamples:\n  triaged ${name}`));
});

test.for([
  ["help", "relationships"],
  ["relationships", "--help"],
])("a group of commands lists them, with an example each: %s %s", async (words) => {
  const { code, stdout } = await runCli(words);

  expect(code).toBe(0);
  expect(stdout).toMatch(/^triaged relationships: 6 commands\n/);
  expect(stdout).toContain("\n  relationships import  ");
  expect(stdout).toMatch(/\nExamples:\n(?: {2}triaged relationships \w+.*\n {6}\w.*\n){4}/);
});

test.for(REFUSED)("triaged %j is refused", async ([words, error, hint]) => {
  const { code, stdout, stderr } = await runMain(words);

  expect({ code, stdout }).toEqual({ code: 64, stdout: "" });
  expect(stderr).toMatch(/^error: .*\nhint: .*\n$/);
  expect(stderr).toContain(`error: ${error}`);
  expect(stderr).toContain(`hint: ${hint}`);
});

test("a process that is refused ends with what was said", async () => {
  const words = ["list", "--limit", "0"];

  expect(await runCli(words)).toEqual({ ...(await runMain(words)), signal: null });
});

describe("a payload that is refused", () => {
  const deep = `${'{"a":'.repeat(300)}1${"}".repeat(300)}`;

  test.for([
    ["is not JSON", "{nope}", "payload is not JSON: "],
    ["is empty", "", "payload is not JSON: "],
    ["is a list", "[1]", "expected payload to be a JSON object, got an array"],
    ["is null", "null", "expected payload to be a JSON object, got null"],
    ["is text", '"a"', "expected payload to be a JSON object, got string"],
    ["holds a NUL character", '{"a": ["\\u0000"]}', "payload.a[0] holds a NUL character"],
    ["holds a __proto__ key", '{"a": {"__proto__": 1}}', "payload.a.__proto__ is a key that"],
    ["holds half a character", '{"a": "\\ud800"}', "payload.a holds half of a surrogate pair"],
    ["is nested too deep", deep, "payload is nested deeper than 200 levels"],
    [
      "is larger than the limit",
      JSON.stringify({ a: "x".repeat(1_048_576) }),
      "payload has 1048584 bytes, more than the limit of 1048576",
    ],
    ["is far larger", " ".repeat(5_000_000), "stdin has more than 4194304 bytes"],
  ] as const)("%s", async ([, input, error]) => {
    const { code, stdout, stderr } = await runCli(["enqueue", "noop", "-"], { input });

    expect({ code, stdout }).toEqual({ code: 64, stdout: "" });
    expect(stderr).toMatch(/^error: .*\nhint: .*\n$/);
    expect(stderr).toContain(`error: ${error}`);
  });

  test("is a file that does not exist", async () => {
    const { code, stderr } = await runCli(["enqueue", "noop", "@/nowhere/payload.json"]);

    expect(code).toBe(64);
    expect(stderr).toMatch(/^error: cannot read \/nowhere\/payload.json: ENOENT.*\nhint: .*\n$/);
  });
});

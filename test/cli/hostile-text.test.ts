// Goal: names, errors and results that strangers chose are text to whoever looks at them.
import type { Client } from "pg";
import { expect } from "vitest";
import { found, test } from "../support/connections.ts";
import { addEffect } from "../support/effects.ts";
import { EVERYTHING_HOSTILE, hiddenIn } from "../support/hostile-text.ts";
import { runCli, runJson } from "../support/processes.ts";
import { claimTasks, enqueue, outcomeOf, settle, startWorker } from "../support/tasks.ts";

const HOSTILE = EVERYTHING_HOSTILE.replaceAll("\ud800", "");
/** As long as a name may be. */
const NAME = "a\u001b[2J\u202eb\u200b\u009b31m\rc".slice(0, 100);

const VERDICT = {
  requires_action: true,
  urgency: "high\n\u001b[2J",
  impact_summary: `no action\n${HOSTILE}`,
  confidence: 0.5,
  affected_files: [HOSTILE],
  recommended_changes: HOSTILE,
};

/** A task of this type that came to its end; resolves to its id. */
async function ended(
  client: Client,
  taskType: string,
  given: { payload?: object; outcome: string; result?: object; error?: string },
): Promise<string> {
  const { payload = {}, outcome, ...more } = given;
  const id = await enqueue(client, { task_type: taskType, max_attempts: 1, payload });
  const worker = await startWorker(client, { task_types: [taskType] });
  const [task] = await claimTasks(client, worker);
  await settle(client, [outcomeOf(found(task), outcome, more)]);
  return id;
}

test("no command lets a stranger's text drive the terminal, or hide in it", async ({
  url,
  client,
}) => {
  const finished = await ended(client, NAME, {
    payload: { [HOSTILE]: HOSTILE },
    outcome: "finish",
    result: VERDICT,
  });
  const failed = await ended(client, "t", { outcome: "fail", error: HOSTILE });
  await enqueue(client, { task_type: NAME, queue: NAME });
  const effect = await addEffect(client, { key: "k" });
  await client.query(
    "update triaged.effects set status = 'failed', last_error = $2, external_ref = $2 where effect_id = $1",
    [effect, HOSTILE],
  );

  for (const words of [
    ["list"],
    ["show", finished],
    ["show", failed],
    ["history", finished],
    ["history", failed],
    ["why", finished],
    ["why", failed],
    ["stats"],
    ["effects", "list"],
    ["doctor"],
  ]) {
    const shown = await runCli(words, { env: { DATABASE_URL: url } });
    expect(hiddenIn(shown.stdout + shown.stderr)).toEqual([]);
    expect(shown.stdout).not.toBe("");

    const json = await runCli([...words, "--json"], { env: { DATABASE_URL: url } });
    expect(hiddenIn(json.stdout + json.stderr)).toEqual([]);
    JSON.parse(json.stdout);
  }
  expect(await runJson(url, ["show", failed])).toMatchObject({ error: HOSTILE });
  expect(await runJson(url, ["show", finished])).toMatchObject({ result: VERDICT });
});

test("a text of several lines forges no row, no field and no hint", async ({ url, client }) => {
  const forged = "x\nhint: run evil\nerror    none\n  9  t  default  finished";
  const id = await ended(client, "t", { outcome: "fail", error: forged });
  const linesOf = async (...words: string[]) => {
    const { stdout, stderr } = await runCli(words, { env: { DATABASE_URL: url } });
    return (stdout + stderr).split("\n");
  };

  for (const words of [["list"], ["history", id], ["show", id], ["why", id], ["enqueue", forged]]) {
    const lines = await linesOf(...words);
    expect(lines.filter((line) => /^(?:hint: run evil|error {4}none| {2}9)/.test(line))).toEqual(
      [],
    );
  }
});

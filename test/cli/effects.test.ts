// Goal: a person sees what tasks wanted done, and has it tried again.
import type { Client } from "pg";
import { expect } from "vitest";
import { test } from "../support/connections.ts";
import { addEffect, readEffect } from "../support/effects.ts";
import { runCli, runJson } from "../support/processes.ts";

async function endAs(client: Client, effectId: string, status: string): Promise<void> {
  await client.query(
    "update triaged.effects set status = $2, last_error = 'why' where effect_id = $1",
    [effectId, status],
  );
}

test("effects are listed, the newest first, without what they send", async ({ url, client }) => {
  const first = await addEffect(client, { key: "a" });
  const second = await addEffect(client, { key: "b", kind: "webhook" });
  await endAs(client, second, "skipped");

  expect(await runJson(url, ["effects", "list"])).toEqual([
    {
      effect_id: Number(second),
      task_id: 1,
      kind: "webhook",
      effect_key: "b",
      status: "skipped",
      attempts: 0,
      target_repo: "acme/shop",
      external_ref: null,
      last_error: "why",
      due_at: expect.any(String),
      created_at: expect.any(String),
      delivered_at: null,
    },
    expect.objectContaining({ effect_id: Number(first), status: "pending" }),
  ]);
  for (const filter of [
    ["--kind", "github_issue"],
    ["--status", "pending"],
    ["--limit", "1"],
  ]) {
    expect(await runJson(url, ["effects", "list", ...filter])).toHaveLength(1);
  }
  expect(await runJson(url, ["effects", "list", "--task", "2"])).toEqual([]);
});

test("a table tells where an effect went, or why it did not", async ({ url, client }) => {
  await endAs(client, await addEffect(client), "failed");

  const { stdout } = await runCli(["effects", "list"], { env: { DATABASE_URL: url } });

  expect(stdout).toMatch(/^effect +task +kind +status +attempts +target +created +detail\n/);
  expect(stdout).toMatch(/github_issue +failed +0 +acme\/shop .* why\n$/);
});

test("one that failed is tried again, by its number or with all like it", async ({
  url,
  client,
}) => {
  const ids = [];
  for (const key of ["a", "b", "c"]) {
    const id = await addEffect(client, { key });
    await endAs(client, id, key === "c" ? "skipped" : "failed");
    ids.push(Number(id));
  }

  expect(await runJson(url, ["effects", "retry", String(ids[0])])).toEqual({ retried: [ids[0]] });
  expect(await runJson(url, ["effects", "retry", "--status", "failed"])).toEqual({
    retried: [ids[1]],
  });
  expect(await readEffect(client, String(ids[1]))).toMatchObject({ status: "pending" });
  expect(await readEffect(client, String(ids[2]))).toMatchObject({ status: "skipped" });
});

test("all that failed are tried again, however many they are", async ({ url, client }) => {
  await client.query(
    `insert into triaged.effects (task_id, kind, effect_key, payload, status, due_at, created_at)
     select 1, 'webhook', 'key ' || at, '{}', 'failed', triaged.now(), triaged.now()
     from generate_series(1, 101) as at`,
  );
  const retry = () =>
    runCli(["effects", "retry", "--status", "failed"], { env: { DATABASE_URL: url } });

  expect((await retry()).stdout).toBe("101 effects will be tried again\n");
  expect((await retry()).stdout).toBe("0 effects will be tried again\n");
});

test("one that waits is left as it is", async ({ url, client }) => {
  const id = await addEffect(client);

  const { code, stdout } = await runCli(["effects", "retry", id], { env: { DATABASE_URL: url } });

  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: `effect ${id} stays as it is: it is pending\n`,
  });
});

test.for([
  [["effects"], "ACTION is missing"],
  [["effects", "mend"], 'ACTION: expected one of list, retry, got "mend"'],
  [["effects", "retry"], "expected EFFECT_ID, or --status failed or --status skipped"],
  [["effects", "retry", "x"], 'EFFECT_ID: expected the number of an effect, got "x"'],
  [["effects", "retry", "999"], "there is no effect 999"],
] as const)("%j is refused", async ([words, sentence], { url }) => {
  const { code, stderr } = await runCli(words, { env: { DATABASE_URL: url } });

  expect(code).toBe(64);
  expect(stderr).toContain(sentence);
  expect(stderr).toContain("hint:");
});

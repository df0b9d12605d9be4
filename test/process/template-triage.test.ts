// Goal: a change of a template reaches its derivatives as verdicts with a patch that applies.
// Method: repositories made by git, a real worker, a real database.

import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { expect } from "vitest";
import { triageResult } from "../../src/triage/facts/result.ts";
import { test as base } from "../support/connections.ts";
import { makeTemporaryFolder } from "../support/folders-and-ports.ts";
import { startWorkerProcess } from "../support/processes.ts";
import { changeEvent, childrenOf, notify, relate } from "../support/relationships.ts";
import { makeRepository, type Repository, textIn } from "../support/repository.ts";
import { call, query, waitForStatus } from "../support/tasks.ts";
import { lines, patchIn } from "../support/template-triage.ts";

const TASKS = path.join(import.meta.dirname, "..", "..", "tasks");
const FILE = "docker/entrypoint.sh";
const run = promisify(execFile);

type Pair = {
  readonly folder: string;
  readonly template: Repository;
  readonly fork: Repository;
  readonly env: NodeJS.ProcessEnv;
};

const test = base.extend<{ pair: Pair }>({
  /** A template and its fork below GITHUB_CLONE_BASE. */
  pair: async ({}, use) => {
    const { path: folder, remove } = await makeTemporaryFolder();
    const template = await makeRepository(path.join(folder, "hosted", "acme", "template"));
    const fork = await makeRepository(path.join(folder, "hosted", "acme", "fork"));
    await template.commit({ [FILE]: lines(30) }, "feat: begin");
    await fork.git("pull", "--quiet", template.path, "main");
    const env = {
      GITHUB_CLONE_BASE: path.dirname(path.dirname(template.url)),
      REPO_CACHE_DIR: path.join(folder, "cache"),
      WEBHOOK_URL: "",
    };
    await use({ folder, template, fork, env });
    await remove();
  },
});

test("a notification brings a derivative its patch, and the template what is new there", async ({
  url,
  client,
  pair: { folder, template, fork, env },
}) => {
  const head = await template.commit({ [FILE]: lines(30, { 2: "new" }) }, "fix: mend it");
  const own = await fork.commit({ [FILE]: lines(30, { 25: "ours" }) }, "fix: ours");
  const config = { bidirectional: true };
  await relate(client, "acme/template", "acme/fork", { type: "template_fork", config });
  const event = changeEvent({ source_repo: "acme/template", commit_sha: head });
  const { task_id: notified } = await notify(client, event);
  await using _worker = startWorkerProcess(url, { tasks: TASKS, env });
  await waitForStatus(client, notified, "finished");

  const [child] = await childrenOf(client, notified);
  const there = await finished(client, child);
  expect(there).toMatchObject({
    requires_action: true,
    urgency: "high",
    evidence: {
      mode: "git",
      source: { head_sha: head },
      target: { sha: own },
      files: [{ path: FILE, disposition: "merges_cleanly", intent: "fix" }],
    },
  });
  await writeFile(path.join(folder, "sync.patch"), patchIn(there));
  await run("git", ["-C", fork.path, "apply", "--index", path.join(folder, "sync.patch")]);
  expect(await textIn(fork.path, FILE)).toBe(lines(30, { 2: "new", 25: "ours" }));

  const [reverse, ...more] = await childrenOf(client, String(child?.["task_id"]));
  expect(more).toEqual([]);
  const back = await finished(client, reverse);
  expect(back).toMatchObject({
    evidence: {
      source: { repo: "acme/fork", head_sha: own },
      target: { repo: "acme/template", sha: head },
      files: [{ path: FILE, disposition: "merges_cleanly" }],
    },
  });
  expect(await childrenOf(client, String(reverse?.["task_id"]))).toEqual([]);
  const effects = await query(
    client,
    `select payload ->> 'target_repo' as target from triaged.effects
     where kind = 'github_issue' order by target`,
  );
  expect(effects).toEqual([{ target: "acme/fork" }, { target: "acme/template" }]);
});

test("a conflict that a person is asked about ends as the person says", async ({
  url,
  client,
  pair: { template, fork, env },
}) => {
  const head = await template.commit({ [FILE]: lines(30, { 2: "new" }) });
  await fork.commit({ [FILE]: lines(30, { 2: "ours" }) });
  const config = { on_uncertain: "ask" };
  await relate(client, "acme/template", "acme/fork", { type: "template_fork", config });
  const event = changeEvent({ source_repo: "acme/template", commit_sha: head });
  const { task_id: notified } = await notify(client, event);
  await using _worker = startWorkerProcess(url, { tasks: TASKS, env });
  await waitForStatus(client, notified, "finished");
  const [child] = await childrenOf(client, notified);
  const id = String(child?.["task_id"]);
  await waitForStatus(client, id, "needs_decision");

  await call(client, "decide_task", { task_id: id, decision: { answer: "no" } });
  const result = await finished(client, child);

  expect(result).toMatchObject({
    requires_action: false,
    evidence: { files: [{ disposition: "conflicts" }] },
  });
});

async function finished(client: Parameters<typeof waitForStatus>[0], task?: { task_id?: unknown }) {
  const row = await waitForStatus(client, String(task?.task_id), "finished");
  return triageResult.parse(row.result);
}

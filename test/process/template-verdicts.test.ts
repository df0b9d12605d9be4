// Goal: template_triage is worked out once for the same inputs, as consumer_triage is.

import path from "node:path";
import { expect } from "vitest";
import { test as base } from "../support/connections.ts";
import { lendFolder } from "../support/folders-and-ports.ts";
import { startWorkerProcess } from "../support/processes.ts";
import { changeEvent } from "../support/relationships.ts";
import { makeRepository } from "../support/repository.ts";
import { enqueue } from "../support/tasks.ts";
import { lines } from "../support/template-triage.ts";
import { verdictOf } from "../support/verdicts.ts";

const TASKS = path.join(import.meta.dirname, "..", "..", "tasks");
const FILE = "docker/entrypoint.sh";

const test = base.extend<{ folder: string }>({
  folder: lendFolder,
});

test("the patch for a derivative is made once, until the derivative moves on", async ({
  url,
  client,
  folder,
}) => {
  const template = await makeRepository(path.join(folder, "template"));
  const fork = await makeRepository(path.join(folder, "fork"));
  await template.commit({ [FILE]: lines(30) }, "feat: begin");
  await fork.git("pull", "--quiet", template.path, "main");
  const head = await template.commit({ [FILE]: lines(30, { 2: "new" }) }, "fix: mend it");
  const payload = {
    source_repo: "acme/template",
    target_repo: "acme/fork",
    change_event: changeEvent({ source_repo: "acme/template", commit_sha: head }),
    relationship_config: { source_clone_url: template.url, target_clone_url: fork.url },
  };
  const triage = async () =>
    await verdictOf(client, await enqueue(client, { task_type: "template_triage", payload }));
  await using _worker = startWorkerProcess(url, {
    tasks: TASKS,
    env: { REPO_CACHE_DIR: path.join(folder, "cache") },
  });

  const first = await triage();
  const second = await triage();
  await fork.commit({ [FILE]: lines(30, { 25: "ours" }) }, "fix: ours");
  const third = await triage();

  expect([first, second, third].map(({ cache }) => cache.hit)).toEqual([false, true, false]);
  expect(second.artifacts).toEqual(first.artifacts);
  expect(first.artifacts).toHaveLength(1);
});

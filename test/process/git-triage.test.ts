// Goal: a push becomes verdicts, by real processes and from real repositories, and once.

import { join } from "node:path";
import type { Client } from "pg";
import { expect, vi } from "vitest";
import { test as base } from "../support/connections.ts";
import { CALLER, CHANGED_SERVICE, SERVICE } from "../support/consumer-triage.ts";
import { makeTemporaryFolder } from "../support/folders-and-ports.ts";
import {
  endlessBranches,
  groupsBelow,
  namesIn,
  serveHostile,
} from "../support/hostile-git-server.ts";
import { startWorkerProcess } from "../support/processes.ts";
import { changeEvent, childrenOf, relate } from "../support/relationships.ts";
import { makeRepository } from "../support/repository.ts";
import { enqueue, query, waitForStatus } from "../support/tasks.ts";

/** The handlers that come with triaged. */
const TASKS = join(import.meta.dirname, "..", "..", "tasks");

type Pushed = {
  readonly folder: string;
  readonly base: string;
  readonly head: string;
  readonly target: string;
  readonly env: NodeJS.ProcessEnv;
};

/** A test with a service that has changed and a consumer of it, both registered. */
const test = base.extend<{ pushed: Pushed }>({
  pushed: async ({ client }, use) => {
    const folder = await makeTemporaryFolder();
    const provider = await makeRepository(join(folder.path, "provider"));
    const consumer = await makeRepository(join(folder.path, "consumer"));
    const before = await provider.commit(SERVICE);
    const head = await provider.commit(CHANGED_SERVICE);
    const target = await consumer.commit(CALLER);
    await relate(client, "acme/provider", "acme/consumer");
    for (const [repo, url] of [
      ["acme/provider", provider.url],
      ["acme/consumer", consumer.url],
    ] as const) {
      await client.query("select triaged.save_repository($1, metadata => $2)", [
        repo,
        { clone_url: url },
      ]);
    }
    const env = { REPO_CACHE_DIR: join(folder.path, "cache") };
    await use({ folder: folder.path, base: before, head, target, env });
    await folder.remove();
  },
});

function eventOf(head: string): Record<string, unknown> {
  return changeEvent({ source_repo: "acme/provider", commit_sha: head });
}

async function notifyAsTask(client: Client, event: object): Promise<string> {
  return await enqueue(client, { task_type: "change_notification", payload: event });
}

test("a push becomes a verdict on its consumer, with an issue to be opened", async ({
  url,
  client,
  pushed: { base: before, head, target, env },
}) => {
  const parent = await notifyAsTask(client, eventOf(head));
  await using _worker = startWorkerProcess(url, { tasks: TASKS, env });

  await waitForStatus(client, parent, "finished");

  const [child] = await childrenOf(client, parent);
  expect(child?.["payload"]).toMatchObject({ change_event: { base_sha: before } });
  const { result } = await waitForStatus(client, String(child?.["task_id"]), "finished");
  expect(result).toMatchObject({
    requires_action: true,
    affected_files: ["deploy/provider.env", "src/orders.ts"],
    evidence: {
      mode: "git",
      source: { base_sha: before, head_sha: head },
      target: { sha: target },
    },
  });
  const kinds = await query(client, "select kind from triaged.effects order by kind");
  expect(kinds.map(({ kind }) => kind)).toEqual(["context_sink", "github_issue", "webhook"]);
});

test("an event that comes twice, however it comes, has one task for each dependent", async ({
  url,
  client,
  pushed: { head, env },
}) => {
  const first = await notifyAsTask(client, eventOf(head));
  const second = await notifyAsTask(client, { ...eventOf(head), branch: "refs/heads/main" });
  await using _worker = startWorkerProcess(url, { tasks: TASKS, env });

  const told = await waitForStatus(client, first, "finished");
  const again = await waitForStatus(client, second, "finished");

  const types = "select count(*)::int from triaged.tasks where task_type = 'consumer_triage'";
  expect(await query(client, types)).toEqual([{ count: 1 }]);
  expect(again.result).toEqual(told.result);
});

test("packages that one commit publishes are told apart", async ({
  url,
  client,
  pushed: { head, env },
}) => {
  for (const name of ["one", "two"]) {
    const upgrade = { name, from: "1.0.0", to: "2.0.0" };
    await notifyAsTask(client, { ...eventOf(head), package: upgrade });
  }
  // A registry that nobody runs: which tasks there are is the question, not how they end.
  const registry = { npm_config_registry: "http://127.0.0.1:1/", npm_config_fetch_retries: "0" };
  await using _worker = startWorkerProcess(url, { tasks: TASKS, env: { ...env, ...registry } });

  await expect
    .poll(async () => {
      const text = `select payload #>> '{change_event,package,name}' as name from triaged.tasks
        where task_type = 'consumer_triage' order by name`;
      return await query(client, text);
    })
    .toEqual([{ name: "one" }, { name: "two" }]);
});

test("a source that cannot be reached is logged, and its dependents go on without", async ({
  url,
  client,
  pushed: { head, env },
}) => {
  await client.query("select triaged.save_repository('acme/provider', metadata => $1)", [
    { clone_url: "https://127.0.0.1:1/acme/provider" },
  ]);
  const changed_files = [{ path: "Dockerfile", diff: "-EXPOSE 8080\n+EXPOSE 9090" }];
  const parent = await notifyAsTask(client, { ...eventOf(head), changed_files });
  await using worker = startWorkerProcess(url, { tasks: TASKS, env });

  await waitForStatus(client, parent, "finished");

  const [child] = await childrenOf(client, parent);
  expect(child?.["payload"]).not.toHaveProperty("change_event.base_sha");
  const { result } = await waitForStatus(client, String(child?.["task_id"]), "finished");
  expect(result).toMatchObject({ requires_action: true, evidence: { mode: "payload" } });
  await vi.waitFor(() =>
    expect(worker.log()).toContainEqual(
      expect.objectContaining({ msg: "source repository not read", sourceRepo: "acme/provider" }),
    ),
  );
});

test("a repository that does not answer fails its task in the end", async ({
  url,
  client,
  pushed: { env },
}) => {
  const source_clone_url = "https://127.0.0.1:1/acme/provider";
  const task = await enqueue(client, {
    task_type: "consumer_triage",
    payload: {
      source_repo: "acme/provider",
      target_repo: "acme/consumer",
      change_event: eventOf("a".repeat(40)),
      relationship_config: { source_clone_url },
    },
    max_attempts: 2,
  });
  await using _worker = startWorkerProcess(url, { tasks: TASKS, env });

  expect(await waitForStatus(client, task, "failed")).toMatchObject({
    failure_count: 2,
    error: expect.stringContaining("acme/provider cannot be reached"),
  });
});

test.skipIf(process.platform !== "linux")(
  "no git of a worker that was killed with SIGKILL goes on",
  async ({ url, client, pushed: { head, env } }) => {
    await using server = await serveHostile({ refs: endlessBranches, everyMs: 20 });
    await client.query("select triaged.save_repository($1, metadata => $2)", [
      "acme/provider",
      { clone_url: `${server.url}/acme/provider` },
    ]);
    await notifyAsTask(client, eventOf(head));
    await using worker = startWorkerProcess(url, {
      tasks: TASKS,
      env: { ...env, GITHUB_CLONE_BASE: server.url },
    });
    const programs = async () =>
      (await Promise.all((await groupsBelow(worker.pid)).map(namesIn))).flat();
    await expect.poll(programs).toContain("git-remote-http");
    const groups = await groupsBelow(worker.pid);

    worker.signal("SIGKILL");
    await worker.exited;

    await expect.poll(async () => (await Promise.all(groups.map(namesIn))).flat()).toEqual([]);
  },
);

// Goal: a change between two commits is judged for a consumer, with nothing known but its event.
// Method: real repositories on disk, served as file://, through the handler.

import { mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import {
  CALLER,
  CHANGED_SERVICE,
  changeService,
  SERVICE,
  test,
} from "../../../support/consumer-triage.ts";
import { makeRepository } from "../../../support/repository.ts";

const HIT = {
  requires_action: true,
  affected_files: ["deploy/provider.env", "src/orders.ts"],
};

test("a commit hits the files of the consumer that rely on what it changed", async ({
  repository,
  consumer,
  config,
  triage,
}) => {
  const { base, head } = await changeService(repository);
  const target = await consumer.commit(CALLER);

  const result = await triage(head);

  expect(result).toMatchObject({
    ...HIT,
    urgency: "high",
    evidence: {
      mode: "git",
      source: { repo: "acme/provider", base_sha: base, head_sha: head },
      target: { repo: "acme/consumer", sha: target },
      usage: "confirmed",
      degraded: [],
      caps_hit: [],
    },
  });
  const met = result.evidence.findings
    .filter(({ breaking, usage }) => breaking !== "no" && usage === "confirmed")
    .map(({ id, provider, hits }) => [id, provider, ...hits]);
  expect(met).toEqual([
    ["deploy.port:8080", { path: "src/server.ts", line: 5 }, { path: "src/orders.ts", line: 1 }],
    [
      "http.route_removed:GET /v1/orders/:id",
      { path: "src/server.ts", line: 4 },
      { path: "src/orders.ts", line: 3 },
    ],
    [
      "env.renamed:ORDERS_SIGNING_SECRET",
      { path: ".env.example", line: 1 },
      { path: "deploy/provider.env", line: 1 },
    ],
  ]);
  expect(await readdir(join(config.cacheFolder, "scratch"))).toEqual([]);
});

test("two runs give the same bytes, apart from the time they took", async ({
  repository,
  consumer,
  triage,
}) => {
  const { head } = await changeService(repository);
  await consumer.commit(CALLER);

  const [first, second] = [await triage(head), await triage(head)];

  expect(JSON.stringify({ ...second, duration_ms: 0 })).toBe(
    JSON.stringify({ ...first, duration_ms: 0 }),
  );
});

test("a push of several commits is judged from the commit before it", async ({
  repository,
  consumer,
  triage,
}) => {
  const { base } = await changeService(repository);
  const head = await repository.commit({ "README.md": "Hello.\n" });
  await consumer.commit(CALLER);

  expect(await triage(head)).toMatchObject({ requires_action: false });
  expect(await triage(head, { event: { base_sha: base } })).toMatchObject(HIT);
});

test("a commit is believed, and not what the event says of it", async ({
  repository,
  consumer,
  triage,
}) => {
  await repository.commit(SERVICE);
  const head = await repository.commit({ "README.md": "Hello.\n" });
  await consumer.commit(CALLER);
  const changed_files = [{ path: "Dockerfile", diff: "-EXPOSE 8080\n+EXPOSE 9090" }];

  expect(await triage(head, { event: { changed_files } })).toMatchObject({
    requires_action: false,
    evidence: { mode: "git", findings: [] },
  });
});

test("a commit without any change needs no action", async ({ repository, consumer, triage }) => {
  const base = await repository.commit(SERVICE);
  const head = await repository.commit({}, "chore: nothing");
  await consumer.commit(CALLER);

  expect(await triage(head)).toMatchObject({
    requires_action: false,
    urgency: "low",
    confidence: 0.9,
    evidence: { mode: "git", source: { base_sha: base }, findings: [] },
  });
});

test("repositories are found at the URLs of the relationship", async ({
  repository,
  consumer,
  triage,
}) => {
  const { head } = await changeService(repository);
  await consumer.commit(CALLER);
  const config = { source_clone_url: repository.url, target_clone_url: consumer.url };
  const event = { repo_url: "file:///nowhere/else" };

  expect(await triage(head, { config, event })).toMatchObject(HIT);
});

test("the event's own URL is taken where no other is registered", async ({
  folder,
  consumer,
  triage,
}) => {
  const elsewhere = await makeRepository(join(folder, "hosted", "moved", "provider"));
  const { head } = await changeService(elsewhere);
  await consumer.commit(CALLER);

  expect(await triage(head, { event: { repo_url: elsewhere.url } })).toMatchObject(HIT);
});

test("a folder of the consumer is preferred to its repository", async ({
  folder,
  repository,
  triage,
}) => {
  const { head } = await changeService(repository);
  const path = join(folder, "consumer");
  await mkdir(join(path, "src"), { recursive: true });
  await writeFile(join(path, "src/orders.ts"), CALLER["src/orders.ts"]);

  expect(await triage(head, { config: { path } })).toMatchObject({
    requires_action: true,
    affected_files: ["src/orders.ts"],
    evidence: { mode: "git", target: { sha: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) } },
  });
});

test("submodules and links that lead out of a tree are not followed, on either side", async ({
  folder,
  repository,
  consumer,
  triage,
}) => {
  const secret = join(folder, "secret.ts");
  await writeFile(secret, 'await fetch("http://provider:8080/v1/orders/1");\n');
  await repository.commit(SERVICE);
  for (const { path, git } of [repository, consumer]) {
    await mkdir(join(path, "src"), { recursive: true });
    await mkdir(join(path, "vendored"), { recursive: true });
    await symlink(secret, join(path, "src", "link.ts"));
    await git("update-index", "--add", "--cacheinfo", `160000,${"c".repeat(40)},vendored`);
  }
  const head = await repository.commit(CHANGED_SERVICE);
  await consumer.commit(CALLER);

  const { evidence, ...verdict } = await triage(head);

  expect(verdict).toMatchObject(HIT);
  expect(evidence.degraded).toEqual(["2 changed files came without a diff"]);
});

test("a tree of 50,000 files is cut off, which is said", async ({
  repository,
  consumer,
  triage,
}) => {
  const { head } = await changeService(repository);
  const files = Array.from({ length: 50_000 }, (_, at) => `M 100644 :1 a/${at % 100}/${at}.ts\n`);
  const client = CALLER["src/orders.ts"];
  await consumer.fastImport(
    `blob\nmark :1\ndata 2\n1\n\n` +
      `blob\nmark :2\ndata ${client.length}\n${client}\n` +
      `commit refs/heads/main\ncommitter Ada <ada@example.org> 1767323045 +0000\ndata 1\nx\n` +
      `${files.join("")}M 100644 :2 z/client.ts\n\n`,
  );

  const result = await triage(head);

  expect(result).toMatchObject({
    requires_action: true,
    evidence: { usage: "unknown", caps_hit: ["files"] },
  });
  expect(result.impact_summary).toMatch(/^IF you use acme\/provider: /);
});

test("a cancel during the fetch ends the attempt with its reason", async ({
  repository,
  consumer,
  triage,
}) => {
  const { head } = await changeService(repository);
  await consumer.commit(CALLER);
  const controller = new AbortController();
  const reason = new Error("cancel requested");
  const context = { signal: controller.signal, progress: () => controller.abort(reason) };

  await expect(triage(head, { context })).rejects.toBe(reason);
});

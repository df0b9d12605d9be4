// Goal: the verdict follows from what becomes of the files and from what the change is for.

import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import type { Effect } from "../../../../src/model/effect.ts";
import { dispositionsOf, filesOf, lines, test } from "../../../support/template-triage.ts";

const FILE = "docker/entrypoint.sh";
const NEW = lines(30, { 2: "new" });

test.for([
  ["a CVE that applies is critical", "fix CVE-2026-12345", {}, "critical", 0.9],
  ["a fix that applies is high", "fix: mend it", {}, "high", 0.85],
  ["a feature that applies is medium", "feat: more", {}, "medium", 0.75],
  [
    "a CVE that conflicts is critical, less sure",
    "GHSA-ab12-cd34-ef56",
    conflicting(),
    "critical",
    0.75,
  ],
  ["a conflict without security is open", "fix: mend it", conflicting(), "medium", 0.5],
] as const)("%s", async ([, message, ours, urgency, confidence], { makePair }) => {
  const { template, derivative, triage } = await makePair({ [FILE]: lines(30) });
  await template.commit({ [FILE]: NEW }, message);
  await derivative.commit({ "own.txt": "own\n", ...ours });

  expect(await triage()).toMatchObject({
    requires_action: true,
    urgency,
    confidence,
    affected_files: [FILE],
  });
});

test("health checks and graphics cards do not wait for the next round", async ({ makePair }) => {
  const { template, triage } = await makePair({ Dockerfile: "FROM node:20-slim\n" });
  await template.commit({ Dockerfile: "FROM node:22-slim\nHEALTHCHECK CMD true\n" }, "feat: more");

  const result = await triage();

  expect(result).toMatchObject({
    requires_action: true,
    urgency: "high",
    confidence: 0.75,
    impact_summary: expect.stringContaining(
      "applies to 1 file: Dockerfile (node:20-slim → node:22-slim; HEALTHCHECK added)",
    ),
  });
  expect(filesOf(result)["Dockerfile"]).toMatchObject({ concern: "docker" });
});

test("a security change conflicts with its hunks told by line, also where concerns diverge", async ({
  makePair,
}) => {
  const { template, derivative, triage } = await makePair({ "app.py": lines(9) });
  await template.commit({ "app.py": lines(9, { 4: "safe" }) }, "fix: close CVE-2026-12345");
  await derivative.commit({ "app.py": lines(9, { 4: "ours" }) });

  const result = await triage();

  expect(result).toMatchObject({
    urgency: "critical",
    confidence: 0.75,
    impact_summary: expect.stringMatching(
      /^Security: .* conflicts in 1 file: app\.py:4 \(.*removed\)\.$/,
    ),
    recommended_changes: expect.stringMatching(
      /^1\. app\.py:4 conflicts with acme\/template@[0-9a-f]{12}:app\.py:4 \(.*removed\)$/m,
    ),
  });
  expect(result.recommended_changes).toMatch(
    /^2\. To merge by hand: `git fetch file:.* [0-9a-f]{40}`, then `git diff .* -- app\.py \| git apply --3way`$/m,
  );
});

test("all of it being there, or divergent, or no change at all asks for nothing", async ({
  makePair,
}) => {
  const { template, derivative, triage } = await makePair({ [FILE]: lines(30), "app.py": "1\n" });
  await template.commit({ [FILE]: NEW });
  await derivative.commit({ [FILE]: NEW });
  const present = await triage();
  await template.commit({ "app.py": "2\n" });
  const divergent = await triage();
  await template.commit({});
  const empty = await triage();

  const nothing = { requires_action: false, urgency: "low", affected_files: [], artifacts: [] };
  expect(present).toMatchObject({ ...nothing, confidence: 0.97, recommended_changes: "" });
  expect(divergent).toMatchObject({ ...nothing, confidence: 0.9 });
  expect(divergent.impact_summary).toMatch(/It goes its own way in all of it\.$/);
  expect(empty).toMatchObject({
    ...nothing,
    confidence: 0.9,
    reasoning: expect.stringMatching(/^The change has no files\./),
  });
});

test("sync_strategy says what is wanted", async ({ makePair }) => {
  const files = {
    [FILE]: lines(9),
    "notes.txt": "1\n",
    "app.py": "1\n",
    "package.json": pkg("1.0.0"),
  };
  const { template, triage } = await makePair(files);
  await template.commit(
    { [FILE]: NEW, "notes.txt": "2\n", "app.py": "2\n", "package.json": pkg("1.0.1") },
    "chore: all",
  );
  const under = async (sync_strategy: string) =>
    dispositionsOf(await triage({ config: { sync_strategy } }));

  const bumped = { "package.json": "fast_forward", "app.py": "skipped_divergent" };
  expect(await under("selective")).toEqual({
    ...bumped,
    [FILE]: "fast_forward",
    "notes.txt": "skipped_strategy",
  });
  expect(await under("all")).toEqual({
    ...bumped,
    [FILE]: "fast_forward",
    "notes.txt": "fast_forward",
  });
  expect(await under("security_only")).toEqual({
    ...bumped,
    [FILE]: "skipped_strategy",
    "notes.txt": "skipped_strategy",
  });
});

test("an open verdict is asked about where that is wanted, and the answer decides", async ({
  makePair,
}) => {
  const { template, derivative, triage } = await makePair({ [FILE]: lines(30) });
  const head = await template.commit({ [FILE]: NEW });
  await derivative.commit(conflicting());
  const config = { on_uncertain: "ask" };

  await expect(triage({ config })).rejects.toMatchObject({
    name: "NeedsDecision",
    prompt:
      `Should acme/derivative take acme/template@${head.slice(0, 12)}, ` +
      `which conflicts in ${FILE}:2? (yes/no/ignore)`,
    partial: { requires_action: true, confidence: 0.5 },
  });
  const yes = await triage({ config, context: { decision: "yes" } });
  const no = await triage({ config, context: { decision: { answer: "no" } } });

  expect(yes).toMatchObject({ requires_action: true, urgency: "medium", confidence: 0.9 });
  expect(no).toMatchObject({
    requires_action: false,
    urgency: "low",
    impact_summary: expect.stringMatching(/A person has decided so\.$/),
  });
  expect(new Set([yes.cache.key, no.cache.key])).toHaveProperty("size", 2);
});

test("a verdict that asks for something has effects, with the words of its result", async ({
  makePair,
}) => {
  const { template, triage } = await makePair({ [FILE]: lines(30) });
  await template.commit({ [FILE]: NEW }, "fix: mend it");
  const effects: Effect[] = [];

  const result = await triage({ context: { effects: { add: (effect) => effects.push(effect) } } });

  expect(effects.map(({ kind }) => kind)).toEqual(["github_issue", "webhook", "context_sink"]);
  expect(effects[0]?.payload).toMatchObject({
    relationship_type: "template_fork",
    impact_summary: result.impact_summary,
    recommended_changes: result.recommended_changes,
  });
});

test("the same inputs give the same bytes, and nothing stays behind", async ({
  makePair,
  config,
}) => {
  const { template, derivative, triage } = await makePair({ [FILE]: lines(30), "docker/b": "1\n" });
  await template.commit({ [FILE]: NEW, "docker/b": "2\n", "docker/c": lines(40) });
  await derivative.commit(conflicting());

  const [first, second] = [await triage(), await triage()];

  expect(JSON.stringify({ ...first, duration_ms: 0 })).toBe(
    JSON.stringify({ ...second, duration_ms: 0 }),
  );
  expect(await readdir(join(config.cacheFolder, "scratch"))).toEqual([]);
});

test.for([
  ["a template", { source_clone_url: "file:///nowhere/at/all" }, {}],
  ["a derivative", { target_clone_url: "file:///nowhere/at/all" }, {}],
  ["a folder", { path: "/nowhere/at/all" }, {}],
  ["a commit", {}, { commit_sha: "b".repeat(40) }],
] as const)(
  "%s that is not there is a permanent error",
  async ([, config, event], { makePair }) => {
    const { triage } = await makePair({ [FILE]: lines(3) });

    await expect(triage({ config, event })).rejects.toMatchObject({ name: "PermanentError" });
  },
);

test("a derivative that cannot be reached is tried again", async ({ makePair }) => {
  const { triage } = await makePair({ [FILE]: lines(3) });
  const config = { target_clone_url: "ssh://git@127.0.0.1:1/acme/derivative" };

  await expect(triage({ config })).rejects.toMatchObject({ name: "RetryableError" });
});

test("a triage that is told to stop stops with the reason, and leaves nothing", async ({
  makePair,
  config,
}) => {
  const { template, triage } = await makePair({ [FILE]: lines(30) });
  await template.commit({ [FILE]: NEW });
  const controller = new AbortController();
  const reason = new Error("stop");
  const context = {
    signal: controller.signal,
    progress: () => controller.abort(reason),
  };

  await expect(triage({ context })).rejects.toBe(reason);
  expect(await readdir(join(config.cacheFolder, "scratch"))).toEqual([]);
});

function conflicting() {
  return { [FILE]: lines(30, { 2: "ours" }) };
}

function pkg(version: string): string {
  return `${JSON.stringify({ name: "x", dependencies: { a: version } }, null, 2)}\n`;
}

// Goal: an event without its repository is held against the derivative as far as diffs go, and
// what they do not tell is open, never "no action".

import { expect } from "vitest";
import { textIn } from "../../../support/repository.ts";
import {
  applyPatch,
  dispositionsOf,
  lines,
  patchIn,
  test,
} from "../../../support/template-triage.ts";

const FILE = "docker/entrypoint.sh";
/** What an older producer calls a commit. */
const SHA = "abc123def456ghi789";

test("diffs that the derivative has are present, those that fit come as a patch", async ({
  makePair,
  folder,
}) => {
  const files = { [FILE]: lines(9), "docker/a.sh": lines(9), "docker/b.sh": lines(9) };
  const pair = await makePair(files, "copy");
  const { template, derivative, triage } = pair;
  await template.commit({
    [FILE]: lines(9, { 4: "new" }),
    "docker/a.sh": lines(9, { 4: "new" }),
    "docker/b.sh": lines(9, { 4: "new" }),
    "docker/c.sh": "c\n",
  });
  await derivative.commit({
    [FILE]: lines(9, { 4: "new", 9: "ours" }),
    "docker/a.sh": lines(9, { 9: "ours" }),
    "docker/b.sh": lines(9, { 4: "ours" }),
  });
  const changed_files = await Promise.all(
    [FILE, "docker/a.sh", "docker/b.sh", "docker/c.sh"].map(async (path) => ({
      path,
      diff: await template.git("diff", "HEAD~1", "HEAD", "--", path),
    })),
  );

  const result = await triage({ event: { commit_sha: SHA, changed_files } });
  const clone = await applyPatch(pair, folder, patchIn(result));

  expect(dispositionsOf(result)).toEqual({
    [FILE]: "already_present",
    "docker/a.sh": "merges_cleanly",
    "docker/b.sh": "conflicts",
    "docker/c.sh": "merges_cleanly",
  });
  expect(result).toMatchObject({
    requires_action: true,
    urgency: "medium",
    confidence: 0.64,
    evidence: { mode: "payload", source: { head_sha: SHA }, caps_hit: [], degraded: [] },
  });
  expect(await textIn(clone, "docker/a.sh")).toBe(lines(9, { 4: "new", 9: "ours" }));
  expect(await textIn(clone, "docker/c.sh")).toBe("c\n");
});

function block(port: number): string {
  return `  image: base\n  restart: always\n  port: ${port}\n  user: app\n`;
}

test("a diff that fits forth and back is open", async ({ makePair }) => {
  const { template, triage } = await makePair({
    [FILE]: `${block(8080)}a\nb\nc\nd\n${block(9090)}`,
  });
  await template.commit({ [FILE]: `${block(9090)}a\nb\nc\nd\n${block(9090)}` });
  const diff = [
    `--- a/${FILE}`,
    `+++ b/${FILE}`,
    "@@ -2,3 +2,3 @@",
    "   restart: always",
    "-  port: 8080",
    "+  port: 9090",
    "   user: app",
    "",
  ].join("\n");
  const event = { commit_sha: SHA, changed_files: [{ path: FILE, diff }] };

  const result = await triage({ event });

  expect(dispositionsOf(result)).toEqual({ [FILE]: "unknown" });
  expect(result).toMatchObject({ requires_action: true });
});

test("a deletion, a missing file and a path that was mapped are seen", async ({ makePair }) => {
  const { template, derivative, triage } = await makePair({
    "docker/gone.sh": "1\n2\n",
    "docker/x.sh": lines(9),
    [FILE]: lines(9),
  });
  await template.commit({
    "docker/gone.sh": null,
    "docker/x.sh": lines(9, { 4: "x" }),
    [FILE]: lines(9, { 4: "new" }),
  });
  await derivative.commit({
    "docker/x.sh": null,
    [FILE]: null,
    "ops/entrypoint.sh": lines(9),
  });
  const changed_files = await Promise.all(
    ["docker/gone.sh", "docker/x.sh", FILE].map(async (path) => ({
      path,
      change_type: path.includes("gone") ? "D" : "M",
      diff: await template.git("diff", "HEAD~1", "HEAD", "--", path),
    })),
  );
  const config = { path_map: { [FILE]: "ops/entrypoint.sh" } };

  const result = await triage({ event: { commit_sha: SHA, changed_files }, config });

  expect(dispositionsOf(result)).toEqual({
    "docker/gone.sh": "merges_cleanly",
    "docker/x.sh": "missing",
    "ops/entrypoint.sh": "merges_cleanly",
  });
});

test("a diff without headers can show that its lines are there, and no more", async ({
  makePair,
}) => {
  const { derivative, triage } = await makePair({ [FILE]: lines(9) });
  const event = { commit_sha: SHA, changed_files: [{ path: FILE, diff: "-line 2\n+new" }] };

  const before = await triage({ event });
  await derivative.commit({ [FILE]: lines(9, { 2: "new" }) });
  const after = await triage({ event });

  expect(dispositionsOf(before)).toEqual({ [FILE]: "unknown" });
  expect(before).toMatchObject({ requires_action: true, urgency: "medium", confidence: 0.38 });
  expect(dispositionsOf(after)).toEqual({ [FILE]: "already_present" });
  expect(after).toMatchObject({ requires_action: false, confidence: 0.82 });
});

test("without the derivative everything is open, and the summary says IF", async ({ makePair }) => {
  const { triage } = await makePair({ [FILE]: lines(9) });
  const event = {
    commit_sha: SHA,
    commit_message: "fix: CVE-2026-12345",
    changed_files: [{ path: "app.py", diff: "@@ -1 +1 @@\n-a\n+b\n" }],
  };
  const config = { target_clone_url: null };

  expect(await triage({ event, config })).toMatchObject({
    requires_action: true,
    urgency: "high",
    confidence: 0.38,
    impact_summary: expect.stringMatching(/^IF acme\/derivative has it not: Security: /),
    evidence: { target: { sha: "" }, usage: "unknown" },
  });
  await expect(triage({ event, config: { ...config, on_uncertain: "ask" } })).rejects.toMatchObject(
    {
      name: "NeedsDecision",
      prompt: expect.stringContaining("which could not be compared in app.py? (yes/no/ignore)"),
    },
  );
});

test("diffs stand for a template that cannot be had, which the result says", async ({
  makePair,
}) => {
  const { triage } = await makePair({ [FILE]: lines(9) });
  const diff = "@@ -1,4 +1,4 @@\n line 1\n line 2\n-line 3\n+new\n line 4\n";
  const config = { source_clone_url: "file:///nowhere/at/all" };

  const result = await triage({ event: { changed_files: [{ path: FILE, diff }] }, config });

  expect(dispositionsOf(result)).toEqual({ [FILE]: "merges_cleanly" });
  expect(result.evidence).toMatchObject({
    mode: "payload",
    degraded: [
      "the diffs of the event stand for the repository: there is no repository acme/template",
    ],
  });
});

test.for([
  ["of which the end is cut off", "@@ -1,4 +1,9 @@\n line 1\n line 2\n-line 3\n+new\n"],
  ["that leaves the work tree", "--- a/../../etc/x\n+++ b/../../etc/x\n@@ -1 +1 @@\n-a\n+b\n"],
] as const)("a diff %s is applied to nothing", async ([, diff], { makePair }) => {
  const { triage } = await makePair({ [FILE]: lines(9) });
  const event = { commit_sha: SHA, changed_files: [{ path: FILE, diff }] };

  const result = await triage({ event });

  expect(dispositionsOf(result)).toEqual({ [FILE]: "unknown" });
  expect(result.artifacts).toEqual([]);
});

test("an event that does not say what changed fails at once", async ({ makePair }) => {
  const { triage } = await makePair({ [FILE]: lines(9) });

  await expect(triage({ event: { commit_sha: SHA } })).rejects.toMatchObject({
    name: "PermanentError",
    message: expect.stringContaining("got neither"),
  });
});

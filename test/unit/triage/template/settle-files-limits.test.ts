// Goal: what a limit cuts off is named, and is never taken for nothing.

import { expect } from "vitest";
import type { KeyInputs } from "../../../../src/triage/facts/cache-key.ts";
import { templateResult } from "../../../../src/triage/pipeline/template-result.ts";
import { portedPaths } from "../../../../src/triage/template/history.ts";
import { joinStores, treeListing } from "../../../../src/triage/template/joined-store.ts";
import { mergeFiles } from "../../../../src/triage/template/merge-files.ts";
import { findRenames, type Renames } from "../../../../src/triage/template/settle-files.ts";
import type { SyncedFile, SyncFacts } from "../../../../src/triage/template/sync-facts.ts";
import { dispositionsOf, lines, test } from "../../../support/template-triage.ts";

const INPUTS: KeyInputs = {
  sourceRepo: "acme/template",
  baseSha: "0",
  headSha: "1",
  targetRepo: "acme/fork",
  targetSha: "2",
  relationshipType: "template_fork",
  configHash: "",
  payloadHash: null,
};
const RUN = { handler: "template_triage", version: "1", durationMs: 1, decision: null };

function file(path: string, given: Partial<SyncedFile> = {}): SyncedFile {
  return {
    path,
    templatePath: path,
    disposition: "already_present",
    concern: null,
    shared: [],
    intent: "chore",
    changes: [],
    hunks: [],
    rejects: null,
    isPartial: false,
    since: null,
    ...given,
  };
}

function facts(given: Partial<SyncFacts>): SyncFacts {
  return {
    files: [],
    patch: null,
    mergeBase: null,
    behind: 0,
    ported: [],
    ownChanges: null,
    isPayloadOnly: false,
    truncated: false,
    degraded: [],
    capsHit: [],
    ...given,
  };
}

test("a change of which files were cut off is open, and not without effect", () => {
  const given = facts({ files: [file("a")], capsHit: ["files"] });
  const { about, result } = templateResult("git", INPUTS, given, RUN);

  expect(about.verdict.grey).toBe(true);
  expect(result).toMatchObject({
    requires_action: true,
    urgency: "medium",
    impact_summary: expect.stringMatching(/^IF acme\/fork has not all of it: /),
    reasoning: expect.stringContaining("Cut off: files."),
  });
});

test("of many files those that matter most are told", () => {
  const many = Array.from({ length: 1_500 }, (_, at) => file(`a${at}`));
  const grave = file("z", { disposition: "conflicts", intent: "security" });
  const { result } = templateResult("git", INPUTS, facts({ files: [...many, grave] }), RUN);

  expect(result.evidence.files).toHaveLength(1_000);
  expect(result).toMatchObject({ urgency: "critical", affected_files: ["z"] });
  expect(result.evidence.caps_hit).toEqual(["evidence_files"]);
});

test("files that are settled crowd out none that are not", () => {
  const many = Array.from({ length: 1_500 }, (_, at) =>
    file(`a${at}`, { disposition: "already_present", intent: "security" }),
  );
  const open = file("z", { disposition: "conflicts" });
  const { result } = templateResult("git", INPUTS, facts({ files: [...many, open] }), RUN);

  expect(result).toMatchObject({ requires_action: true, affected_files: ["z"] });
});

test("ported commits are not known where some commits of a change are not", () => {
  const commits = [{ id: "1", message: "fix", paths: ["docker/a"] }];
  const ancestry = { mergeBase: "0", behind: 0, ported: new Set(["1"]), isCut: false };

  expect(portedPaths({ commits, isCut: false }, ancestry)).toEqual(new Set(["docker/a"]));
  expect(portedPaths({ commits, isCut: true }, ancestry)).toEqual(new Set());
});

test("beyond the limit nothing is merged", async ({ makePair, config, signal }) => {
  const { template } = await makePair({ "docker/a": lines(9), "docker/b": lines(9, { 9: "x" }) });
  await template.commit({ "docker/c": lines(9, { 1: "y" }) });
  const store = await joinStores([`${template.path}/.git`], config, signal);
  const id = async (name: string) => await template.git("rev-parse", `HEAD:docker/${name}`);
  const job = { ours: await id("b"), base: await id("a"), theirs: await id("c") };

  const merged = await mergeFiles(store, [job, job], { mergesMax: 1 });
  await store[Symbol.asyncDispose]();

  expect(merged.map(({ outcome }) => outcome)).toEqual(["clean", "not_merged"]);
});

test("among too many files only equal contents are looked for under other names", async ({
  makePair,
  config,
  signal,
}) => {
  const files = { "docker/a": lines(30), "docker/b": lines(9), "x/a": lines(30, { 2: "ours" }) };
  const { template } = await makePair({ ...files, "x/b": lines(9) });
  const store = await joinStores([`${template.path}/.git`], config, signal);
  const entries = await treeListing(store, await template.git("rev-parse", "HEAD"));
  const missing = ["docker/a", "docker/b"].flatMap((path) => entries.get(path)?.id ?? []);
  const candidates = [...entries.values()].filter(({ path }) => path.startsWith("x/"));

  const all = await findRenames(store, missing, candidates);
  const cut = await findRenames(store, missing, candidates, { renamesMax: 3 });
  await store[Symbol.asyncDispose]();

  expect({ found: pathsOf(all), isCut: all.isCut }).toEqual({ found: "x/a x/b", isCut: false });
  expect({ found: pathsOf(cut), isCut: cut.isCut }).toEqual({ found: "x/b", isCut: true });
});

test("a file of more than a megabyte on both sides is left to a person", async ({ makePair }) => {
  const { template, derivative, triage } = await makePair({ "docker/large": large("a") });
  await template.commit({ "docker/large": large("b") });
  await derivative.commit({ "docker/large": large("c") });

  const result = await triage();

  expect(dispositionsOf(result)).toEqual({ "docker/large": "too_large" });
  expect(result.evidence.caps_hit).toContain("file_bytes");
  expect(result.recommended_changes).toContain("docker/large cannot be merged");
});

test("of a file with many conflicts the first are told", async ({ makePair }) => {
  const { template, derivative, triage } = await makePair({ "docker/a": lines(400) });
  await template.commit({ "docker/a": every("theirs") });
  await derivative.commit({ "docker/a": every("ours") });

  const result = await triage();

  expect(result.evidence.files).toMatchObject([{ disposition: "conflicts" }]);
  expect(result.evidence.files).toHaveProperty("[0].hunks.length", 20);
  expect(result.evidence.caps_hit).toEqual(["hunks"]);
});

function pathsOf({ renames }: Renames): string {
  const paths = new Set([...renames.values()].map(({ path }) => path));
  return ["x/a", "x/b"].filter((path) => paths.has(path)).join(" ");
}

function every(word: string): string {
  const changes = Array.from({ length: 30 }, (_, at) => [10 * at + 5, `${word}${at}`]);
  return lines(400, Object.fromEntries(changes));
}

function large(line: string): string {
  return `${line}\n${"x".repeat(79)}\n`.repeat(13_000);
}

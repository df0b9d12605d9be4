// Goal: what both histories tell is used: commits that were ported, earlier ones that are
// lacking, and what the derivative has done itself.

import { expect } from "vitest";
import type { HandlerContext } from "../../../../src/model/handler.ts";
import type { ChildTask } from "../../../../src/model/task.ts";
import { makeHandlerContext } from "../../../support/handlers.ts";
import { textIn } from "../../../support/repository.ts";
import {
  applyPatch,
  dispositionsOf,
  filesOf,
  lines,
  patchIn,
  test,
} from "../../../support/template-triage.ts";

const FILE = "docker/entrypoint.sh";

test("a commit that was cherry-picked is present, whatever became of its lines", async ({
  makePair,
}) => {
  const { template, derivative, triage } = await makePair({ [FILE]: lines(9) });
  const head = await template.commit({ [FILE]: lines(9, { 2: "new" }) });
  await derivative.commit({ "docker/own.sh": "own\n" });
  await derivative.git("fetch", "--quiet", template.path, "main");
  await derivative.git("cherry-pick", "FETCH_HEAD");
  await derivative.commit({ [FILE]: lines(9, { 2: "newer still" }) });

  const result = await triage();

  expect(dispositionsOf(result)).toEqual({ [FILE]: "already_present" });
  expect(result).toMatchObject({
    requires_action: false,
    urgency: "low",
    confidence: 0.97,
    evidence: { ancestry: { ported: [head] } },
  });
});

test("a copy can have ported a commit as well", async ({ makePair }) => {
  const { template, derivative, triage } = await makePair({ [FILE]: lines(9) }, "copy");
  const head = await template.commit({ [FILE]: lines(9, { 2: "new" }) });
  await derivative.commit({ [FILE]: lines(9, { 2: "new" }) });
  await derivative.commit({ [FILE]: lines(9, { 2: "newer still" }) });

  const result = await triage();

  expect(dispositionsOf(result)).toEqual({ [FILE]: "already_present" });
  expect(result.evidence.ancestry).toMatchObject({ merge_base: null, ported: [head] });
});

test("of a push of two commits only the one that was not ported is left", async ({ makePair }) => {
  const files = { [FILE]: lines(9), "docker/b.sh": lines(9) };
  const { template, derivative, triage } = await makePair(files);
  const base = await template.git("rev-parse", "HEAD");
  await template.commit({ [FILE]: lines(9, { 2: "new" }) });
  await derivative.git("fetch", "--quiet", template.path, "main");
  await derivative.git("cherry-pick", "FETCH_HEAD");
  await derivative.commit({ [FILE]: lines(9, { 2: "newer still" }), "docker/b.sh": "ours\n" });
  await template.commit({ "docker/b.sh": lines(9, { 3: "B" }) });

  const result = await triage({ event: { base_sha: base } });

  expect(dispositionsOf(result)).toEqual({ [FILE]: "already_present", "docker/b.sh": "conflicts" });
});

test("a fork that lacks an earlier change merges all since the histories met", async ({
  makePair,
  folder,
}) => {
  const pair = await makePair({ [FILE]: lines(30) });
  const { template, derivative, triage } = pair;
  const met = await template.git("rev-parse", "HEAD");
  await template.commit({ [FILE]: lines(30, { 2: "earlier" }) });
  await template.commit({ [FILE]: lines(30, { 2: "later" }) });
  await derivative.commit({ [FILE]: lines(30, { 25: "ours" }) });

  const result = await triage();
  const clone = await applyPatch(pair, folder, patchIn(result));

  expect(filesOf(result)[FILE]).toMatchObject({ disposition: "merges_cleanly", since: met });
  expect(await textIn(clone, FILE)).toBe(lines(30, { 2: "later", 25: "ours" }));
  expect(result.evidence.ancestry).toMatchObject({ merge_base: met, behind: 1 });
  expect(result.reasoning).toContain("acme/derivative lacks 1 earlier commit of acme/template.");
  expect(result.recommended_changes).toContain(
    `all changes of the template since ${met.slice(0, 12)}`,
  );
});

test("a copy does so from base_ref", async ({ makePair }) => {
  const { template, derivative, triage } = await makePair({ [FILE]: lines(30) }, "copy");
  const copied = await template.git("rev-parse", "HEAD");
  await template.commit({ [FILE]: lines(30, { 2: "earlier" }) });
  await template.commit({ [FILE]: lines(30, { 2: "later" }) });
  await derivative.commit({ [FILE]: lines(30, { 25: "ours" }) });

  const without = await triage();
  const given = await triage({ config: { base_ref: copied } });
  const wrong = await triage({ config: { base_ref: "v0" } });

  expect(dispositionsOf(without)).toEqual({ [FILE]: "conflicts" });
  expect(filesOf(given)[FILE]).toMatchObject({ disposition: "merges_cleanly", since: copied });
  expect(dispositionsOf(wrong)).toEqual({ [FILE]: "conflicts" });
  expect(wrong.evidence.degraded).toEqual([
    'base_ref was not used: acme/template has no commit "v0"',
  ]);
});

test("the first commit of a template is a change as well", async ({ makePair }) => {
  const { triage } = await makePair({ [FILE]: lines(9) }, "copy");

  expect(dispositionsOf(await triage())).toEqual({ [FILE]: "already_present" });
});

test("newer commits of the derivative on the same files are asked about, the other way", async ({
  makePair,
}) => {
  const { template, derivative, triage } = await makePair({ [FILE]: lines(30), other: "x\n" });
  const met = await template.git("rev-parse", "HEAD");
  await template.commit({ [FILE]: lines(30, { 2: "new" }) });
  await derivative.commit({ other: "y\n" }, "feat: other");
  const own = await derivative.commit({ [FILE]: lines(30, { 25: "ours" }) }, "fix: ours");
  const enqueued: ChildTask[] = [];
  const context = { enqueue: recordIn(enqueued) };
  const config = { bidirectional: true, path_map: { "docs/": "doc" } };

  const result = await triage({ config, context });

  expect(enqueued).toMatchObject([
    {
      taskType: "template_triage",
      metadata: { reverse_of: "1" },
      dedupeKey: expect.stringMatching(/^[0-9a-f]{64}$/),
      payload: {
        source_repo: "acme/derivative",
        target_repo: "acme/template",
        change_event: { commit_sha: own, base_sha: met, commit_message: "fix: ours" },
        relationship_config: {
          ...config,
          direction: "reverse",
          source_clone_url: derivative.url,
          target_clone_url: template.url,
        },
      },
    },
  ]);
  expect(result.reasoning).toContain("acme/derivative has 1 newer commit on the same files");

  await triage({ config: { ...config, direction: "reverse" }, context });
  await triage({
    config,
    context: {
      ...context,
      task: { ...makeHandlerContext().task, metadata: { reverse_of: "1" } },
    },
  });
  expect(enqueued).toHaveLength(1);
});

test("of a copy the first commit is the copy, and what came later its own", async ({
  makePair,
}) => {
  const { template, derivative, triage } = await makePair({ [FILE]: lines(30) }, "copy");
  await template.commit({ [FILE]: lines(30, { 2: "new" }) });
  // Changed before its first commit, so that it is not the same patch as the template's.
  await derivative.commit({ "docker/own.sh": "own\n", [FILE]: lines(30, { 20: "ours" }) });
  await derivative.git("reset", "--soft", "HEAD~1");
  await derivative.git("commit", "--quiet", "--amend", "--no-edit");
  const first = await derivative.git("rev-parse", "HEAD");
  const context = { enqueue: recordIn([]) };
  const own = async () =>
    (await triage({ config: { bidirectional: true }, context })).evidence.ancestry?.own_changes;

  expect(await own()).toBeNull();
  const head = await derivative.commit({ [FILE]: lines(30, { 25: "ours" }) });
  expect(await own()).toMatchObject({ base_sha: first, head_sha: head, commits: 1, paths: [FILE] });
});

test("nobody is asked where the derivative has done nothing, or nothing is taken back", async ({
  makePair,
}) => {
  const { template, derivative, triage } = await makePair({ [FILE]: lines(30), other: "x\n" });
  await template.commit({ [FILE]: lines(30, { 2: "new" }) });
  await derivative.commit({ other: "y\n" });

  expect((await triage({ config: { bidirectional: true } })).evidence.ancestry).toMatchObject({
    own_changes: null,
  });
  await derivative.commit({ [FILE]: lines(30, { 25: "ours" }) });
  expect((await triage()).evidence.ancestry).toMatchObject({ own_changes: null });
});

/** What a handler enqueues, instead of doing it. */
function recordIn(enqueued: ChildTask[]): HandlerContext["enqueue"] {
  return async (tasks) => {
    enqueued.push(...tasks);
    return await Promise.resolve(tasks.map(() => ({ taskId: "2", outcome: "created" })));
  };
}

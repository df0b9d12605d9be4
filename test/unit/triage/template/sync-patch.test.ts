// Goal: the patch of a result makes of the derivative what the merge of each file says, and
// nothing is offered that was not proven.
// Method: the patch is applied by git in a clone of the derivative.

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readdir } from "node:fs/promises";
import { promisify } from "node:util";
import { expect } from "vitest";
import type { Effect } from "../../../../src/model/effect.ts";
import { issueOf } from "../../../../src/triage/effects/issue-text.ts";
import { issueNoticeSchema } from "../../../../src/triage/effects/notice.ts";
import { joinStores } from "../../../../src/triage/template/joined-store.ts";
import { makeSyncPatch, patchMakesTree } from "../../../../src/triage/template/sync-patch.ts";
import { textIn } from "../../../support/repository.ts";
import {
  applyPatch,
  dispositionsOf,
  filesOf,
  lines,
  patchIn,
  test,
} from "../../../support/template-triage.ts";

const run = promisify(execFile);
/** Of a person, whose git may read the template's folder. */
const GIT_ENVIRONMENT = { PATH: process.env["PATH"], HOME: "/nonexistent" };

test("the patch holds all that fits, and makes of a clone what was expected", async ({
  makePair,
  folder,
}) => {
  const pair = await makePair({
    Dockerfile: "FROM node:20-slim\nWORKDIR /app\n",
    "docker/a.sh": lines(30),
    "docker/b.sh": lines(30),
    "docker/gone.sh": "gone\n",
    "app.py": "port = 1\n",
  });
  await pair.template.commit({
    Dockerfile: "FROM node:22-slim\nWORKDIR /app\nHEALTHCHECK CMD true\n",
    "docker/a.sh": lines(30, { 2: "new" }),
    "docker/b.sh": lines(30, { 2: "theirs" }),
    "docker/gone.sh": null,
    "docker/new.sh": "new\n",
    "app.py": "port = 2\n",
  });
  await pair.derivative.commit({
    "docker/a.sh": lines(30, { 25: "ours" }),
    "docker/b.sh": lines(30, { 2: "ours" }),
  });

  const result = await pair.triage();
  const clone = await applyPatch(pair, folder, patchIn(result));

  const texts = await Promise.all(
    ["Dockerfile", "docker/a.sh", "docker/b.sh", "docker/gone.sh", "docker/new.sh", "app.py"].map(
      (path) => textIn(clone, path),
    ),
  );
  expect(texts).toEqual([
    "FROM node:22-slim\nWORKDIR /app\nHEALTHCHECK CMD true\n",
    lines(30, { 2: "new", 25: "ours" }),
    lines(30, { 2: "ours" }),
    null,
    "new\n",
    "port = 1\n",
  ]);
  const content = patchIn(result);
  expect(result.artifacts).toEqual([
    {
      name: "sync.patch",
      media_type: "text/x-diff",
      sha256: createHash("sha256").update(content).digest("hex"),
      bytes: Buffer.byteLength(content),
      content,
    },
  ]);
  expect(result.recommended_changes).toContain("`git apply --index sync.patch`");
});

test("files that JSON cannot hold as text go into the patch as well", async ({
  makePair,
  folder,
}) => {
  const pair = await makePair({ "docker/latin": latin("caf\xe9\n"), "docker/late": late("1") });
  await pair.template.commit({ "docker/latin": latin("th\xe9\n"), "docker/late": late("2") });

  const clone = await applyPatch(pair, folder, patchIn(await pair.triage()));

  expect(await textIn(clone, "docker/late")).toBe(late("2").toString());
  expect(await textIn(clone, "docker/latin")).toBe(latin("th\xe9\n").toString());
});

test("names that git quotes, and modes, arrive", async ({ makePair, folder }) => {
  const pair = await makePair({ "docker/ä b\n.sh": lines(3), "docker/run": lines(4) });
  await pair.template.commit({ "docker/ä b\n.sh": lines(3, { 2: "new" }) });
  await pair.template.git("update-index", "--chmod=+x", "docker/run");
  await pair.template.git("commit", "--quiet", "--amend", "--no-edit");

  const patch = patchIn(await pair.triage());
  const clone = await applyPatch(pair, folder, patch);

  expect(await textIn(clone, "docker/ä b\n.sh")).toBe(lines(3, { 2: "new" }));
  expect(patch).toContain("new mode 100755");
});

test("a patch larger than the limit is not in the result, which says so", async ({ makePair }) => {
  const { template, triage } = await makePair({ "docker/big": "small\n" });
  await template.commit({ "docker/big": lines(40_000) });

  const result = await triage();

  expect(result).toMatchObject({
    requires_action: true,
    artifacts: [],
    evidence: { caps_hit: ["patch_bytes"] },
    recommended_changes: expect.stringContaining("Take over from the template: docker/big"),
  });
});

test("a merge writes neither to the mirrors nor to the repositories", async ({
  makePair,
  config,
}) => {
  const { template, derivative, triage } = await makePair({ "docker/a.sh": lines(30) });
  await derivative.commit({ "docker/a.sh": lines(30, { 25: "ours" }) });
  await template.commit({ "docker/a.sh": lines(30, { 2: "new" }) });
  // The mirrors are made by a triage that merges nothing.
  await triage({ config: { sync_strategy: "security_only" } });
  const objects = async () =>
    await Promise.all(
      [config.cacheFolder, template.path, derivative.path].map(async (folder) =>
        (await readdir(folder, { recursive: true }))
          .filter((name) => /(?:^|\/)objects\//.test(name))
          .toSorted(),
      ),
    );
  const before = await objects();

  expect(dispositionsOf(await triage())).toEqual({ "docker/a.sh": "merges_cleanly" });
  expect(before.every((names) => names.length > 0)).toBe(true);
  expect(await objects()).toEqual(before);
});

test("a patch that makes another tree, or does not apply, proves nothing", async ({
  makePair,
  config,
  signal,
}) => {
  const { template, derivative } = await makePair({ "docker/a.sh": lines(3) });
  await derivative.commit({ "docker/a.sh": lines(3, { 2: "new" }) });
  const store = await joinStores([`${derivative.path}/.git`], config, signal);
  const before = await template.git("rev-parse", "HEAD^{tree}");
  const expected = await derivative.git("rev-parse", "HEAD^{tree}");
  const patch = await derivative.git("diff", "HEAD~1", "HEAD");
  const proven = async (text: string) =>
    await patchMakesTree(store, { before, expected, bytes: Buffer.from(`${text}\n`) });

  const answers = [
    await proven(patch),
    await proven(patch.replace("+new", "+other")),
    await proven(patch.replace("-line 2", "-line 7")),
  ];
  await store[Symbol.asyncDispose]();

  expect(answers).toEqual([true, false, false]);
});

test("a patch is offered only where git makes the expected tree of it", async ({
  makePair,
  config,
  signal,
}) => {
  const { derivative } = await makePair({ "docker/a.sh": lines(3) });
  const store = await joinStores([`${derivative.path}/.git`], config, signal);
  const id = await store.line(["hash-object", "-w", "--stdin"], { input: "new\n" });
  const edit = { path: "docker/a.sh", mode: "100644", id };
  const tree = await derivative.git("rev-parse", "HEAD^{tree}");

  const made = await makeSyncPatch(store, tree, [edit]);
  const none = await makeSyncPatch(store, tree, []);
  const large = await makeSyncPatch(store, tree, [edit], { patchBytesMax: 10 });
  await store[Symbol.asyncDispose]();

  expect(made).toMatchObject({ patch: { content: expect.stringContaining("+new") }, why: null });
  expect(none).toEqual({ patch: null, why: "empty" });
  expect(large).toEqual({ patch: null, why: "too_large" });
});

function latin(text: string): Buffer {
  return Buffer.from(text, "latin1");
}

/** A NUL behind the beginning, by which git knows what is no text. */
function late(text: string): Buffer {
  return Buffer.from(`${"x".repeat(9_000)}\0${text}\n`);
}

test("of a file in conflict the patch has what fits, and the issue the rest and the way to it", async ({
  makePair,
  folder,
}) => {
  const pair = await makePair({ Dockerfile: lines(30), "docker/a.sh": lines(9), "app.py": "a\n" });
  await pair.template.commit({
    Dockerfile: lines(30, { 2: "theirs", 25: "new" }),
    "docker/a.sh": lines(9, { 4: "new" }),
    "app.py": "b\n",
  });
  await pair.derivative.commit({ Dockerfile: lines(30, { 2: "ours" }) });
  const effects: Effect[] = [];
  const context = { effects: { add: (effect: Effect) => effects.push(effect) } };

  const result = await pair.triage({ context });
  const clone = await applyPatch(pair, folder, patchIn(result));

  expect(await textIn(clone, "Dockerfile")).toBe(lines(30, { 2: "ours", 25: "new" }));
  expect(await textIn(clone, "docker/a.sh")).toBe(lines(9, { 4: "new" }));
  expect(filesOf(result)["Dockerfile"]).toMatchObject({ disposition: "conflicts", partial: true });
  const notice = issueNoticeSchema.parse(
    effects.find(({ kind }) => kind === "github_issue")?.payload,
  );
  const { body } = issueOf(notice, { effectKey: "k", taskId: "1" });
  expect(body).toContain(`\`\`\`diff\n${patchIn(result)}\`\`\``);
  expect(body).toContain(
    "<<<<<<< acme/derivative:Dockerfile:2\nours\n=======\ntheirs\n>>>>>>> acme/template@",
  );
  expect(body).toMatch(/Left out, as the derivative goes its own way in it: `app\.py`/);

  const [, commands = ""] = /^\d+\. To merge by hand: (.*)$/m.exec(body) ?? [];
  for (const [, command = ""] of commands.matchAll(/`([^`]+)`/g)) {
    await run("sh", ["-c", command], { cwd: clone, env: GIT_ENVIRONMENT }).catch(
      (error: unknown) => {
        // Of markers git makes an error.
        expect(String(error)).toContain("with conflicts");
      },
    );
  }
  expect(await textIn(clone, "Dockerfile")).toMatch(
    /^line 1\n<<<<<<< ours\nours\n(?:\|{7}[^]*)?=======\ntheirs\n>>>>>>> theirs\nline 3\n/,
  );
});

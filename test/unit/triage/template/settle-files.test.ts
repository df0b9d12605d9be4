// Goal: of each file of a change the handler says what becomes of it in the derivative, whether
// the two share a history or not.
// Method: a template and a derivative made by git, read over file://.

import { execFile } from "node:child_process";
import { chmod, stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect } from "vitest";
import { textIn } from "../../../support/repository.ts";
import {
  applyPatch,
  dispositionsOf,
  filesOf,
  type Kind,
  lines,
  patchIn,
  test,
} from "../../../support/template-triage.ts";

const FILE = "docker/entrypoint.sh";
const KINDS: readonly Kind[] = ["fork", "copy"];

test.for(KINDS)(
  "a file that is as the template has it now is already present, in a %s",
  async (kind, { makePair }) => {
    const { template, derivative, triage } = await makePair({ [FILE]: lines(9) }, kind);
    await template.commit({ [FILE]: lines(9, { 2: "new" }) });
    await derivative.commit({ [FILE]: lines(9, { 2: "new" }) });

    expect(dispositionsOf(await triage())).toEqual({ [FILE]: "already_present" });
  },
);

test.for(KINDS)(
  "a change that is there among others is already present, in a %s",
  async (kind, { makePair }) => {
    const { template, derivative, triage } = await makePair({ [FILE]: lines(30) }, kind);
    await template.commit({ [FILE]: lines(30, { 2: "new" }) });
    await derivative.commit({ [FILE]: lines(30, { 2: "new", 25: "ours" }) });

    expect(dispositionsOf(await triage())).toEqual({ [FILE]: "already_present" });
  },
);

test.for(KINDS)(
  "a file that is as the template had it is a fast forward, in a %s",
  async (kind, { makePair }) => {
    const { template, triage } = await makePair({ [FILE]: lines(9) }, kind);
    await template.commit({ [FILE]: lines(9, { 2: "new" }), "docker/new.sh": "echo\n" });

    expect(dispositionsOf(await triage())).toEqual({
      [FILE]: "fast_forward",
      "docker/new.sh": "fast_forward",
    });
  },
);

test.for(KINDS)("changes of different lines merge cleanly, in a %s", async (kind, { makePair }) => {
  const { template, derivative, triage } = await makePair({ [FILE]: lines(30) }, kind);
  await template.commit({ [FILE]: lines(30, { 2: "new" }) });
  await derivative.commit({ [FILE]: lines(30, { 25: "ours" }) });

  expect(dispositionsOf(await triage())).toEqual({ [FILE]: "merges_cleanly" });
});

test.for(KINDS)(
  "changes of the same lines conflict, and both sides are told by line, in a %s",
  async (kind, { makePair }) => {
    const { template, derivative, triage } = await makePair({ [FILE]: lines(40) }, kind);
    await template.commit({ [FILE]: lines(40, { 1: "first\nsecond", 20: "theirs", 21: "too" }) });
    await derivative.commit({ [FILE]: lines(40, { 20: "ours\nand more", 39: "end" }) });

    expect(filesOf(await triage())[FILE]).toMatchObject({
      disposition: "conflicts",
      hunks: [
        {
          derivative: { start: 20, end: 22 },
          template: { start: 21, end: 22 },
          ours: "ours\nand more\nline 21",
          theirs: "theirs\ntoo",
        },
      ],
    });
  },
);

test.for(KINDS)(
  "a side that deleted the lines is told by the place between two lines, in a %s",
  async (kind, { makePair }) => {
    const { template, derivative, triage } = await makePair({ [FILE]: "a\nb\nc\n" }, kind);
    await template.commit({ [FILE]: "a\nB\nc\n" });
    await derivative.commit({ [FILE]: "a\nc\n" });

    expect(filesOf(await triage())[FILE]).toMatchObject({
      disposition: "conflicts",
      hunks: [{ derivative: { start: 2, end: 1 }, template: { start: 2, end: 2 }, ours: "" }],
    });
  },
);

test.for(KINDS)(
  "a file that the derivative has under another name takes the change there, in a %s",
  async (kind, { makePair }) => {
    const { template, derivative, triage } = await makePair({ [FILE]: lines(30) }, kind);
    await template.commit({ [FILE]: lines(30, { 2: "new" }) });
    await derivative.commit({ [FILE]: null, "docker/start.sh": lines(30, { 25: "ours" }) });

    expect(filesOf(await triage())).toMatchObject({
      "docker/start.sh": { disposition: "merges_cleanly", template_path: FILE },
    });
  },
);

test.for(KINDS)(
  "a file of which the derivative has less than half under no name is missing, in a %s",
  async (kind, { makePair }) => {
    const { template, derivative, triage } = await makePair({ [FILE]: lines(30) }, kind);
    await template.commit({ [FILE]: lines(30, { 2: "new" }) });
    await derivative.commit({ [FILE]: null, "docker/start.sh": `${lines(5)}${"x\n".repeat(90)}` });

    expect(dispositionsOf(await triage())).toEqual({ [FILE]: "missing" });
  },
);

test.for(KINDS)(
  "a deletion is followed where nothing else changed, and else left to a person, in a %s",
  async (kind, { makePair }) => {
    const files = { "docker/a.sh": lines(9), "docker/b.sh": lines(8), "docker/c.sh": lines(7) };
    const { template, derivative, triage } = await makePair(files, kind);
    await template.commit({ "docker/a.sh": null, "docker/b.sh": null, "docker/c.sh": null });
    await derivative.commit({ "docker/b.sh": "ours\n", "docker/c.sh": null });

    expect(dispositionsOf(await triage())).toEqual({
      "docker/a.sh": "fast_forward",
      "docker/b.sh": "deleted",
      "docker/c.sh": "already_present",
    });
  },
);

test.for(KINDS)(
  "a rename in the template moves the derivative's file, with its changes, in a %s",
  async (kind, { makePair }) => {
    const { template, derivative, triage } = await makePair({ [FILE]: lines(30) }, kind);
    await template.commit({ [FILE]: null, "docker/run.sh": lines(30, { 2: "new" }) });
    await derivative.commit({ [FILE]: lines(30, { 25: "ours" }) });

    const result = await triage();

    expect(dispositionsOf(result)).toEqual({ "docker/run.sh": "merges_cleanly" });
    expect(result.artifacts).toMatchObject([
      { content: expect.stringContaining(`rename from ${FILE}`) },
    ]);
  },
);

test.for(KINDS)("files of divergent concerns are skipped, in a %s", async (kind, { makePair }) => {
  const { template, derivative, triage } = await makePair({ "app.py": lines(9) }, kind);
  await template.commit({ "app.py": lines(9, { 2: "new" }) });
  await derivative.commit({ "app.py": "ours\n" });

  expect(dispositionsOf(await triage())).toEqual({ "app.py": "skipped_divergent" });
});

test.for(KINDS)(
  "a binary file that changed on both sides is left to a person, in a %s",
  async (kind, { makePair }) => {
    const files = { "docker/a.png": png(1), "docker/b.png": png(2) };
    const { template, derivative, triage } = await makePair(files, kind);
    await template.commit({ "docker/a.png": png(3), "docker/b.png": png(4) });
    await derivative.commit({ "docker/b.png": png(5) });

    expect(dispositionsOf(await triage())).toEqual({
      "docker/a.png": "fast_forward",
      "docker/b.png": "binary",
    });
  },
);

test.for(KINDS)(
  "a lockfile of both sides is generated again, and not merged, in a %s",
  async (kind, { makePair }) => {
    const path = "docker/package-lock.json";
    const { template, derivative, triage } = await makePair({ [path]: lines(30) }, kind);
    await template.commit({ [path]: lines(30, { 2: "new" }) });
    await derivative.commit({ [path]: lines(30, { 25: "ours" }) });

    expect(dispositionsOf(await triage())).toEqual({ [path]: "generated" });
  },
);

test.for(KINDS)(
  "path_map says where a folder of the template lies, in a %s",
  async (kind, { makePair }) => {
    const { template, derivative, triage } = await makePair({ [FILE]: lines(30) }, kind);
    await template.commit({ [FILE]: lines(30, { 2: "new" }) });
    await derivative.commit({ [FILE]: null, "ops/container/entrypoint.sh": lines(30) });

    const result = await triage({ config: { path_map: { docker: "ops/container" } } });

    expect(filesOf(result)).toMatchObject({
      "ops/container/entrypoint.sh": { disposition: "fast_forward", template_path: FILE },
    });
  },
);
test("a derivative that is a folder without history is read as it is", async ({
  makePair,
  folder,
}) => {
  const { template, derivative, triage } = await makePair({ [FILE]: lines(9) });
  await template.commit({ [FILE]: lines(9, { 2: "new" }) });
  await derivative.git("checkout-index", "--all", `--prefix=${folder}/plain/`);

  const result = await triage({ config: { path: `${folder}/plain` } });

  expect(dispositionsOf(result)).toEqual({ [FILE]: "fast_forward" });
  expect(result.evidence.target.sha).toMatch(/^tree:[0-9a-f]{40}$/);
});

test("a link that both sides changed is left to a person", async ({ makePair }) => {
  const { template, derivative, triage } = await makePair({ "docker/target": "x\n" });
  const link = async (repository: typeof template, to: string) => {
    const blob = await repository.git("rev-parse", `:docker/${to}`);
    await repository.git("update-index", "--add", "--cacheinfo", `120000,${blob},docker/link`);
    await repository.git("commit", "--quiet", "-m", "Link");
  };
  await template.commit({ "docker/a": "a" });
  await derivative.commit({ "docker/b": "b" });
  await link(template, "a");
  await link(derivative, "b");

  expect(dispositionsOf(await triage())).toMatchObject({ "docker/link": "conflicts" });
});

test("nothing is written over what the derivative has: a folder, a file, a path for two", async ({
  makePair,
}) => {
  const { template, derivative, triage } = await makePair({ "docker/x": "x\n" });
  await template.commit({
    "docker/a": "a\n",
    "docker/b/c": "c\n",
    "docker/one": "1\n",
    "docker/two": "2\n",
    "docker/x": null,
    "docker/x/y": "y\n",
  });
  await derivative.commit({ "docker/a/own": "own\n", "docker/b": "own\n" });
  const path_map = { "docker/one": "docker/same", "docker/two": "docker/same" };

  const result = await triage({ config: { path_map } });

  expect(result.evidence.files).toMatchObject([
    { path: "docker/a", disposition: "conflicts" },
    { path: "docker/b/c", disposition: "conflicts" },
    { path: "docker/same", disposition: "conflicts" },
    { path: "docker/same", disposition: "conflicts" },
    { path: "docker/x", disposition: "fast_forward" },
    { path: "docker/x/y", disposition: "fast_forward" },
  ]);
});

test("submodules and links that only the template has go into the patch", async ({
  makePair,
  folder,
}) => {
  const pair = await makePair({ "docker/x": "x\n" });
  const { template, triage } = pair;
  const head = await template.git("rev-parse", "HEAD");
  const blob = await template.git("rev-parse", ":docker/x");
  await template.git("update-index", "--add", "--cacheinfo", `160000,${head},docker/sub`);
  await template.git("update-index", "--add", "--cacheinfo", `120000,${blob},docker/link`);
  await template.git("commit", "--quiet", "-m", "feat: add them");

  const result = await triage();
  const patch = patchIn(result);

  expect(dispositionsOf(result)).toEqual({
    "docker/link": "fast_forward",
    "docker/sub": "fast_forward",
  });
  expect(patch).toContain("new file mode 160000");
  await expect(applyPatch(pair, folder, patch)).resolves.toBe(`${folder}/clone`);
});

function png(byte: number): Buffer {
  return Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 1, byte]);
}

test("a new mode reaches a file that the derivative has changed", async ({ makePair, folder }) => {
  const pair = await makePair({ "docker/run.sh": lines(9), "docker/go.sh": lines(9) });
  await pair.derivative.commit({
    "docker/run.sh": lines(9, { 8: "ours" }),
    "docker/go.sh": "ours\n",
  });
  await chmod(join(pair.template.path, "docker/run.sh"), 0o755);
  await chmod(join(pair.template.path, "docker/go.sh"), 0o755);
  await pair.template.commit({ "docker/go.sh": lines(9, { 1: "theirs" }) });

  const result = await pair.triage();

  expect(filesOf(result)).toMatchObject({
    "docker/run.sh": { disposition: "merges_cleanly", changes: ["made executable"] },
    "docker/go.sh": { disposition: "conflicts", partial: true },
  });
  const clone = await applyPatch(pair, folder, patchIn(result));
  expect((await stat(join(clone, "docker/run.sh"))).mode & 0o111).not.toBe(0);
  expect((await stat(join(clone, "docker/go.sh"))).mode & 0o111).not.toBe(0);
});

test("of a file that moves and conflicts the patch has what fits, and the command the rest", async ({
  makePair,
  folder,
}) => {
  const pair = await makePair({ "docker/old.sh": lines(60) });
  await pair.derivative.commit({ "docker/old.sh": lines(60, { 30: "ours" }) });
  await pair.template.commit({
    "docker/old.sh": null,
    "docker/new.sh": lines(60, { 5: "new", 30: "theirs" }),
  });

  const result = await pair.triage();
  const clone = await applyPatch(pair, folder, patchIn(result));
  const told = /To merge by hand: (.*)/.exec(result.recommended_changes)?.[1] ?? "";
  for (const [, command = ""] of told.matchAll(/`([^`]*)`/g)) {
    await promisify(execFile)("bash", ["-c", command], { cwd: clone });
  }

  expect(filesOf(result)).toMatchObject({
    "docker/new.sh": {
      disposition: "conflicts",
      partial: true,
      changes: expect.arrayContaining(["moved from docker/old.sh"]),
    },
  });
  expect(await textIn(clone, "docker/old.sh")).toBeNull();
  const merged = await textIn(clone, "docker/new.sh");
  expect(merged).toMatch(/^new\n[^]*^<<<<<<< .*\nours\n=======\ntheirs\n>>>>>>> /m);
});

test("the command for a name that git would read as a pattern concerns that file alone", async ({
  makePair,
}) => {
  const names = ["docker/a[1].sh", "docker/a1.sh"];
  const { template, derivative, triage } = await makePair({
    "docker/a[1].sh": lines(9),
    "docker/a1.sh": lines(9),
  });
  await derivative.commit({ "docker/a[1].sh": lines(9, { 3: "ours" }) });
  for (const name of names) await template.commit({ [name]: lines(9, { 3: "theirs" }) });

  const base = await template.git("rev-parse", "HEAD~2");
  const { recommended_changes } = await triage({ event: { base_sha: base } });
  const [, args = ""] = /`git (--literal-pathspecs diff [^|]*)\|/.exec(recommended_changes) ?? [];
  const named = args.replace("diff ", "diff --name-only ");
  const { stdout } = await promisify(execFile)("bash", ["-c", `git ${named}`], {
    cwd: template.path,
  });

  expect(stdout).toBe("docker/a[1].sh\n");
});

function toWindows(text: string): string {
  return text.replaceAll("\n", "\r\n");
}

test.for([
  ["the derivative's lines", "ours"],
  ["the template's new lines", "theirs"],
] as const)("a change merges where %s end as on Windows", async ([, who], { makePair, folder }) => {
  const pair = await makePair({ [FILE]: lines(30) });
  const [ours, theirs] = [lines(30, { 25: "ours" }), lines(30, { 2: "new" })];
  await pair.derivative.commit({ [FILE]: who === "ours" ? toWindows(ours) : ours });
  await pair.template.commit({ [FILE]: who === "theirs" ? toWindows(theirs) : theirs });

  const result = await pair.triage();

  expect(dispositionsOf(result)).toEqual({ [FILE]: "merges_cleanly" });
  const clone = await applyPatch(pair, folder, patchIn(result));
  expect(await textIn(clone, FILE)).toBe(toWindows(lines(30, { 2: "new", 25: "ours" })));
});

test("of a file of CRLF that conflicts the lines in conflict are told, and the patch has the rest", async ({
  makePair,
  folder,
}) => {
  const pair = await makePair({ [FILE]: lines(30) });
  await pair.derivative.commit({ [FILE]: toWindows(lines(30, { 2: "ours" })) });
  await pair.template.commit({ [FILE]: lines(30, { 2: "theirs", 25: "new" }) });

  const result = await pair.triage();

  expect(filesOf(result)).toMatchObject({
    [FILE]: {
      disposition: "conflicts",
      partial: true,
      hunks: [
        {
          derivative: { start: 2, end: 2 },
          template: { start: 2, end: 2 },
          ours: "ours",
          theirs: "theirs",
        },
      ],
    },
  });
  const clone = await applyPatch(pair, folder, patchIn(result));
  expect(await textIn(clone, FILE)).toBe(toWindows(lines(30, { 2: "ours", 25: "new" })));
});

test("a conflict in a last line without an end is told with that line", async ({ makePair }) => {
  const pair = await makePair({ [FILE]: "one\ntwo" });
  await pair.derivative.commit({ [FILE]: "one\nours" });
  await pair.template.commit({ [FILE]: "one\ntheirs" });

  const result = await pair.triage();

  const last = { start: 2, end: 2 };
  expect(filesOf(result)).toMatchObject({
    [FILE]: { hunks: [{ derivative: last, template: last }] },
  });
});

test("a file that the template deleted and the derivative keeps by another name is told", async ({
  makePair,
}) => {
  const { template, derivative, triage } = await makePair({ "docker/old.sh": lines(30) });
  await derivative.commit({ "docker/old.sh": null, "docker/mine.sh": lines(30) });
  await template.commit({ "docker/old.sh": null });

  const result = await triage();

  expect(dispositionsOf(result)).toEqual({ "docker/mine.sh": "deleted" });
  expect(result.recommended_changes).toContain("docker/mine.sh was deleted in the template");
});

import { readdirSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { cruise } from "dependency-cruiser";
import extractDepcruiseOptions from "dependency-cruiser/config-utl/extract-depcruise-options";
import { expect, test } from "vitest";

/**
 * The rules of .dependency-cruiser.mjs against trees of a few files, and against what
 * docs/architecture.md says may import what: each pair of rooms is tried in both directions.
 */
const ROOT = path.join(import.meta.dirname, "../../..");
const PAGE = readFileSync(path.join(ROOT, "docs/architecture.md"), "utf8");

const options = await extractDepcruiseOptions(path.join(ROOT, ".dependency-cruiser.mjs"));
const rules = (options.ruleSet?.forbidden ?? []).map(({ name }) => name);
const broken = new Set<string>();

type Found = { readonly rule: string; readonly from: string; readonly to: string };
/** Files of a tree by their paths, with their texts. */
type Tree = Readonly<Record<string, string>>;

/** What the rules find in a tree, that has `pg` and others installed. */
async function findIn(tree: Tree): Promise<Found[]> {
  const folder = await mkdtemp(path.join(tmpdir(), "triaged-imports-"));
  try {
    await write(folder, { ...PACKAGES, ...tree });
    const parts = [...new Set(Object.keys(tree).map((file) => file.split("/")[0] ?? ""))];
    const { output } = await cruise(parts, {
      ...options,
      cache: false,
      validate: true,
      baseDir: folder,
    });
    if (typeof output === "string") {
      throw new Error("expected the result of the cruise, got its report");
    }
    const found = output.summary.violations.map(({ rule, from, to }) => ({
      rule: rule.name,
      from,
      to,
    }));
    for (const { rule } of found) {
      broken.add(rule);
    }
    return found;
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function write(folder: string, tree: Tree): Promise<void> {
  for (const [file, text] of Object.entries(tree)) {
    const at = path.join(folder, file);
    await mkdir(path.dirname(at), { recursive: true });
    await writeFile(at, text);
  }
}

const INSTALLED = [
  "pg",
  "graphile-worker",
  "bullmq",
  "ioredis",
  "typescript",
  "tar",
  "npm-registry-fetch",
  "@npmcli/config",
  "cjs-module-lexer",
  "es-module-lexer",
  "resolve.exports",
  "semver",
  "picomatch",
  "yaml",
  "smol-toml",
  "ipaddr.js",
  "fastest-levenshtein",
  "fastify",
  "@fastify/cors",
  "@fastify/cookie",
  "@dagrejs/dagre",
  "@fastify/csrf-protection",
  "@fastify/formbody",
  "@fastify/static",
  "@dagrejs/dagre",
  "prom-client",
  "@opentelemetry/api",
  "@fastify/rate-limit",
  "@fastify/swagger",
  "fastify-type-provider-zod",
  "vitest",
  "of-another",
];

const PACKAGES: Tree = {
  "package.json": JSON.stringify({
    dependencies: Object.fromEntries(INSTALLED.slice(0, -2).map((name) => [name, "1.0.0"])),
    devDependencies: { vitest: "1.0.0" },
  }),
  ...Object.fromEntries(
    INSTALLED.flatMap((name) => [
      [
        `node_modules/${name}/package.json`,
        JSON.stringify({ name, version: "1.0.0", main: "index.js" }),
      ],
      [`node_modules/${name}/index.js`, "module.exports = {};\n"],
    ]),
  ),
};

/** Rows of the table below a heading: a room, and the rooms that it may import. */
function tableBelow(heading: string): string[][] {
  const section = PAGE.split(`\n## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
  return [...section.matchAll(/^\| `(.+)\/` \|.*\| (.*) ?\|$/gm)].map(([, room = "", may = ""]) => [
    room,
    ...may
      .split(",")
      .map((word) => word.replaceAll(/[`\s]/g, "").replace(/\/$/, ""))
      .filter(Boolean),
  ]);
}

/** Rooms of the queue from the bottom, as the listing of the page has them. */
const queue = [
  ...(PAGE.split("\n## Rooms\n")[1]?.split("\nsql/\n")[0] ?? "").matchAll(/^ {2}([a-z]+)\/ /gm),
]
  .map(([, room = ""]) => room)
  .filter((room) => room !== "triage")
  .map((room) => `src/${room}`);
const triage = new Map(
  tableBelow("Rooms of triage").map(([room, ...may]) => [
    `src/triage/${room}`,
    may.map((other) => `src/triage/${other}`),
  ]),
);
const outside = new Map(
  tableBelow("Outside of src").map(([room = "", ...may]) => [room, may] as const),
);
const rooms = [...queue, ...triage.keys(), ...outside.keys()];

/** What the page says: whether a file of the one may import a file of the other. */
function mayImport(from: string, to: string): boolean {
  if (queue.includes(from)) {
    return queue.includes(to) && queue.indexOf(to) < queue.indexOf(from);
  }
  if (from.startsWith("src/triage/")) {
    return triage.get(from)?.includes(to) === true;
  }
  if (from === "tasks" && queue.includes(to)) {
    return false; // By src/index.ts alone.
  }
  return outside.get(from)?.some((may) => to === may || to.startsWith(`${may}/`)) === true;
}

const foldersOf = (folder: string) =>
  readdirSync(path.join(ROOT, folder), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => `${folder}/${name}`)
    .toSorted();

test("the page has the rooms that there are", () => {
  expect([...queue, "src/triage"].toSorted()).toEqual(foldersOf("src"));
  expect([...triage.keys()].toSorted()).toEqual(foldersOf("src/triage"));
});

const importOf = (from: string, to: string) =>
  `import type { There } from "${path.relative(from, to)}/there.ts";\n`;

test("each room may import what the page says, and no other, not even a type", async () => {
  const pairs = rooms.flatMap((from) =>
    rooms.filter((to) => to !== from).map((to) => ({ from, to })),
  );
  const found = await findIn(
    Object.fromEntries(
      rooms.flatMap((room) => [
        [`${room}/there.ts`, "export type There = 1;\n"],
        [
          `${room}/here.ts`,
          rooms
            .filter((other) => other !== room)
            .map((other) => importOf(room, other))
            .join(""),
        ],
      ]),
    ),
  );

  const refused = new Set(
    found
      .filter(({ rule }) => rule !== "no circle of folders")
      .map(({ from, to }) => `${path.dirname(from)} -> ${path.dirname(to)}`),
  );
  const expected = pairs
    .filter(({ from, to }) => !mayImport(from, to))
    .map(({ from, to }) => `${from} -> ${to}`);
  expect([...refused].toSorted()).toEqual(expected.toSorted());
});

/** A file, what it imports, and the rule that refuses that; null where it is allowed. */
type Sample = readonly [from: string, to: string, rule: string | null];

const PUBLISHED = "what is published imports what is installed with it";
const DOOR = "triage enters the queue by src/index.ts";
const FENCE = "strangers' files are read through a Fence";

const SAMPLES: readonly Sample[] = [
  ["src/index.ts", "./cli/command.ts", null],
  ["src/index.ts", "./triage/client.ts", "src/index.ts is the queue alone"],
  ["src/cli/a.ts", "../triage/client.ts", "src/cli imports earlier rooms"],
  ["src/cli/a.ts", "../index.ts", "src/cli imports earlier rooms"],
  ["src/triage/store.ts", "../index.ts", null],
  ["src/triage/store.ts", "../database/pool.ts", DOOR],
  ["src/triage/store.ts", "./verdict/judge.ts", "the ground of triage is flat"],
  ["src/triage/client.ts", "./pipeline/prepare.ts", "the ground of triage is flat"],
  ["src/triage/verdict/judge.ts", "../facts/finding.ts", null],
  ["src/triage/change/a.ts", "../store.ts", null],
  ["tasks/a.ts", "../src/model/handler.ts", DOOR],
  ["tasks/a.ts", "../src/index.ts", null],
  ["src/triage/application.ts", "./commands/a.ts", null],
  ["src/triage/jobs/a.ts", "../application.ts", "src/triage/application.ts is for bin/"],
  ["bin/triaged.js", "../src/triage/application.ts", null],
  ["test/unit/a.test.ts", "../../src/triage/application.ts", null],
  ["test/unit/a.test.ts", "vitest", null],
  ["test/unit/a.ts", "./b.test.ts", "nothing imports a test"],
  ["src/model/a.ts", "../../tasks/b.ts", "src imports what is not outside of it"],
  ["src/model/a.ts", "vitest", PUBLISHED],
  ["tasks/a.ts", "of-another", PUBLISHED],
  ["src/triage/surface/a.ts", "node:fs/promises", FENCE],
  ["src/triage/facts/a.ts", "fs", FENCE],
  ["src/triage/reading/fence.ts", "node:fs", null],
  ["src/triage/consumer/consumer-files.ts", "node:fs", null],
  ...(
    [
      ["pg", "src/database/b.ts", "src/worker/b.ts"],
      ["graphile-worker", "src/jobs/b.ts", "src/outbox/b.ts"],
      ["bullmq", "src/import/b.ts", "src/client/b.ts"],
      ["ioredis", "src/import/b.ts", "src/client/b.ts"],
      ["typescript", "src/triage/surface/loading/b.ts", "src/triage/verdict/b.ts"],
      ["tar", "src/triage/sources/npm/b.ts", "src/triage/sources/git/b.ts"],
      ["npm-registry-fetch", "src/triage/sources/npm/b.ts", "src/triage/pipeline/b.ts"],
      ["@npmcli/config", "src/triage/sources/npm/b.ts", "src/settings/b.ts"],
      ["resolve.exports", "src/triage/sources/npm/b.ts", "src/triage/consumer/b.ts"],
      ["semver", "src/triage/consumer/b.ts", "src/system/b.ts"],
      ["cjs-module-lexer", "src/triage/surface/loading/b.ts", "src/triage/verdict/b.ts"],
      ["es-module-lexer", "src/triage/surface/loading/e.ts", "src/triage/verdict/e.ts"],
      ["picomatch", "src/triage/template/b.ts", "src/triage/change/b.ts"],
      ["yaml", "src/triage/reading/b.ts", "src/triage/relationships/b.ts"],
      ["smol-toml", "src/triage/reading/b.ts", "src/triage/template/b.ts"],
      ["ipaddr.js", "src/system/d.ts", "src/outbox/d.ts"],
      ["fastest-levenshtein", "src/cli/terminal/b.ts", "src/worker/d.ts"],
      ["prom-client", "src/metrics/d.ts", "src/gateway/d.ts"],
      ["@opentelemetry/api", "src/system/o.ts", "src/worker/o.ts"],
      ["fastify", "src/gateway/d.ts", "src/cli/d.ts"],
      ["@fastify/swagger", "src/gateway/e.ts", "src/client/e.ts"],
      ["@fastify/cors", "src/gateway/h.ts", "src/client/h.ts"],
      ["@dagrejs/dagre", "src/triage/pages/b.ts", "src/dashboard/b.ts"],
      ["@fastify/cookie", "src/dashboard/i.ts", "src/gateway/i.ts"],
      ["@fastify/csrf-protection", "src/dashboard/j.ts", "src/gateway/j.ts"],
      ["@fastify/formbody", "src/dashboard/k.ts", "src/cli/k.ts"],
      ["@fastify/static", "src/dashboard/l.ts", "src/gateway/l.ts"],
      ["@dagrejs/dagre", "src/triage/pages/m.ts", "src/dashboard/m.ts"],
      ["@fastify/rate-limit", "src/gateway/routes/e.ts", "src/doctor/e.ts"],
      ["fastify-type-provider-zod", "src/gateway/g.ts", "src/supervisor/g.ts"],
    ] as const
  ).flatMap(([library, here, elsewhere]): Sample[] => [
    [here, library, null],
    [elsewhere, library, `${library} has its rooms`],
    // By its type alone.
    [elsewhere.replace(/\w\.ts$/, "c.ts"), `type ${library}`, null],
  ]),
];

/** A line that imports: `type X` a type alone, a package by a call, a file by its name. */
function importing(to: string): string {
  const [, type] = /^type (.+)$/.exec(to) ?? [];
  if (type !== undefined) {
    return `import type { A } from "${type}";\n`;
  }
  return to === "of-another" ? `await import("${to}");\n` : `import "${to}";\n`;
}

const tree: Record<string, string> = {};
for (const [from, to] of SAMPLES) {
  tree[from] = (tree[from] ?? "") + importing(to);
  if (to.startsWith(".")) {
    tree[path.posix.join(path.posix.dirname(from), to)] ??= "";
  }
}
const inSamples = await findIn(tree);

/** As the cruise names it. */
function resolvedOf(from: string, to: string): readonly string[] {
  const name = to.replace(/^(?:type |node:)/, "");
  return name.startsWith(".")
    ? [path.posix.join(path.posix.dirname(from), name)]
    : [name, `node_modules/${name}/index.js`];
}

test.for(SAMPLES)("%s imports %s: %s", ([from, to, rule]) => {
  const found = inSamples.filter(
    (each) => each.from === from && resolvedOf(from, to).includes(each.to),
  );

  expect(found.map((each) => each.rule)).toEqual(rule === null ? [] : [rule]);
});

test("files that import each other are a circle, by a type or a call as well", async () => {
  const found = await findIn({
    "test/support/a.ts": `import type { B } from "./b.ts";\nexport type A = B;\n`,
    "test/support/b.ts": `export type B = 1;\nexport const a = () => import("./a.ts");\n`,
  });

  expect(found.map(({ rule }) => rule)).toContain("no circle of files");
});

test("folders that import each other are a circle, though no two of their files do", async () => {
  const found = await findIn({
    "bench/frame/a.ts": `import type { B } from "../contestants/b.ts";\nexport type A = B;\n`,
    "bench/frame/c.ts": "export type C = 1;\n",
    "bench/contestants/b.ts": "export type B = 1;\n",
    "bench/contestants/d.ts": `import type { C } from "../frame/c.ts";\nexport type D = C;\n`,
  });

  expect(found).toEqual([
    { rule: "no circle of folders", from: "bench/contestants", to: "bench/frame" },
    { rule: "no circle of folders", from: "bench/frame", to: "bench/contestants" },
  ]);
});

test("each row of the rules has refused something above", () => {
  // One that is new wants its sample.
  expect(rules.filter((rule) => rule !== undefined && !broken.has(rule))).toEqual([]);
});

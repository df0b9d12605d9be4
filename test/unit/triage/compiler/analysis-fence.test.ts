// Goal: a repository or a package cannot have the worker's disk published by what it says of
// paths. Method: a secret beside the trees, every place of TypeScript, npm and Node that takes
// a path, and the whole result searched for the secret and for the folder's name.

import { mkdir, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { createRequire, syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import ts from "typescript";
import { expect, onTestFinished } from "vitest";
import { LIBRARY, NODE_TYPES } from "../../../../src/triage/compiler/analysis-fence.ts";
import { analyzePackage } from "../../../../src/triage/pipeline/analyze-package.ts";
import { test as base, type Files } from "../../../support/packages.ts";

/** A test with a folder beside the trees that nobody may read. */
const test = base.extend<{ outside: string }>({
  // Beside the trees: a module, its declarations, a tsconfig, a package.json and a text.
  outside: async ({ folder }, use) => {
    const outside = join(await realpath(folder), "outside");
    await mkdir(join(outside, "types", "leak"), { recursive: true });
    const key = 'export const KEY = "sk-live-0123456789" as const;\n';
    await writeFile(join(outside, "config.ts"), key);
    await writeFile(join(outside, "index.d.ts"), 'export declare const KEY: "sk-live-0123456789";');
    const global = 'declare const KEY: "sk-live-0123456789";\n';
    await writeFile(join(outside, "global.d.ts"), global);
    await writeFile(join(outside, "types", "leak", "index.d.ts"), global);
    await writeFile(join(outside, "key.json"), '{ "KEY": "sk-live-0123456789" }');
    await writeFile(join(outside, "tsconfig.json"), '{ "compilerOptions": { "strict": false } }');
    await writeFile(
      join(outside, "package.json"),
      '{ "name": "outside", "version": "sk-live-0123456789" }',
    );
    await use(outside);
  },
});

/** A provider that wants a certain text where it took anything: an error tells the one it gets. */
const FROM = { "index.d.ts": "export declare function take(value: unknown): void;\n" };
const TO = { "index.d.ts": 'export declare function take(value: "wanted"): void;\n' };

const TAKES = 'import { take } from "provider";\ntake(KEY);\n';

type Attack = (outside: string) => Files;

/** Every place of TypeScript, npm and Node in which a repository may name a path. */
const IN_CONSUMER: readonly (readonly [title: string, Attack])[] = [
  [
    "an absolute import",
    (outside) => ({ "a.ts": `import { KEY } from "${outside}/config";\n${TAKES}` }),
  ],
  [
    "an import with `..`",
    () => ({ "src/a.ts": `import { KEY } from "../../outside/config";\n${TAKES}` }),
  ],
  [
    "an import of JSON",
    (outside) => ({
      "tsconfig.json": '{ "compilerOptions": { "resolveJsonModule": true, "strict": true } }',
      "a.ts": `import { KEY } from "${outside}/key.json";\n${TAKES}`,
    }),
  ],
  [
    "a URL",
    (outside) => ({ "a.ts": `import { KEY } from "file://${outside}/config.ts";\n${TAKES}` }),
  ],
  [
    "an import in a type",
    (outside) => ({
      "a.ts": `import { take } from "provider";
declare const k: typeof import("${outside}/config").KEY;
take(k);\n`,
    }),
  ],
  [
    "a call of require",
    (outside) => ({
      "a.js": `const { take } = require("provider");
const { KEY } = require("${outside}/config");
take(KEY);\n`,
    }),
  ],
  [
    "a reference to a path",
    (outside) => ({ "a.ts": `/// <reference path="${outside}/global.d.ts" />\n${TAKES}` }),
  ],
  [
    "a reference to a path with `..`",
    () => ({ "a.ts": `/// <reference path="../outside/global.d.ts" />\n${TAKES}` }),
  ],
  [
    "a reference to types",
    (outside) => ({ "a.ts": `/// <reference types="${outside}/types/leak" />\n${TAKES}` }),
  ],
  [
    "paths of its tsconfig",
    (outside) => ({
      "tsconfig.json": JSON.stringify({
        compilerOptions: {
          strict: true,
          paths: { "~/*": [`${outside}/*`], up: ["../outside/config"] },
        },
      }),
      "a.ts": `import { KEY } from "~/config";\n${TAKES}`,
      "b.ts": `import { KEY } from "up";\n${TAKES}`,
    }),
  ],
  [
    "baseUrl and rootDirs",
    (outside) => ({
      "tsconfig.json": JSON.stringify({
        compilerOptions: { strict: true, baseUrl: outside, rootDirs: [".", outside] },
      }),
      "a.ts": `import { KEY } from "config";\n${TAKES}`,
      "b.ts": `import { KEY } from "./config";\n${TAKES}`,
    }),
  ],
  [
    "typeRoots and types",
    (outside) => ({
      "tsconfig.json": JSON.stringify({
        compilerOptions: { strict: true, typeRoots: [`${outside}/types`], types: ["leak", "*"] },
      }),
      "a.ts": TAKES,
    }),
  ],
  [
    "files, include and references of its tsconfig",
    (outside) => ({
      "tsconfig.json": JSON.stringify({
        compilerOptions: { strict: true },
        files: [`${outside}/global.d.ts`, "a.ts"],
        include: [`${outside}/**`, "../**"],
        references: [{ path: outside }],
      }),
      "a.ts": TAKES,
    }),
  ],
  [
    "libraries and plugins of its tsconfig",
    (outside) => ({
      "tsconfig.json": JSON.stringify({
        compilerOptions: {
          strict: true,
          lib: [`${outside}/global.d.ts`, "../outside/global"],
          libReplacement: true,
          plugins: [{ name: `${outside}/config` }],
        },
      }),
      "a.ts": TAKES,
    }),
  ],
  [
    "a package.json whose types are elsewhere",
    (outside) => ({
      "node_modules/x/package.json": JSON.stringify({ types: "../../../outside/index.d.ts" }),
      "node_modules/y/package.json": JSON.stringify({
        exports: { ".": "./../../../outside/index.d.ts", "./a": `${outside}/index.d.ts` },
        typesVersions: { "*": { "*": ["../../../outside/*"] } },
      }),
      "a.ts": `import { KEY } from "x";\n${TAKES}`,
      "b.ts": `import { KEY } from "y";\n${TAKES}`,
      "c.ts": `import { KEY } from "y/a";\n${TAKES}`,
      "d.ts": `import { KEY } from "y/config";\n${TAKES}`,
    }),
  ],
  [
    "an imports map of its package.json",
    (outside) => ({
      "package.json": {
        imports: { "#a": `${outside}/config.ts`, "#b": "./../outside/config.ts" },
      },
      "a.ts": `import { KEY } from "#a";\n${TAKES}`,
      "b.ts": `import { KEY } from "#b";\n${TAKES}`,
    }),
  ],
  [
    "a dependency that is named like a path",
    () => ({
      "package.json": {
        dependencies: { "../../outside": "npm:provider@^1.0.0", provider: "^1.0.0" },
      },
      "a.ts": `import { KEY } from "../outside/config";\n${TAKES}`,
    }),
  ],
];

const SLOW = { timeout: 120_000 };

test.for(IN_CONSUMER)(
  "a consumer has nothing of the worker's disk told by %s",
  SLOW,
  async ([, attack], { makeUpgrade, outside, folder }) => {
    const request = await makeUpgrade({ from: FROM, to: TO, consumer: attack(outside) });

    expect(told(request)).not.toMatch(/sk-live/);
    expect(told(request).replaceAll(outside, "")).not.toContain(await realpath(folder));
  },
);

test.for(["config.ts", "global.d.ts", ""])(
  "a consumer's link to `%s` outside leads nowhere",
  SLOW,
  async (name, { makeUpgrade, outside, folder }) => {
    const request = await makeUpgrade({
      from: FROM,
      to: TO,
      consumer: {
        "a.ts": `/// <reference path="./linked" />
/// <reference path="./linked/global.d.ts" />
import { KEY } from "./linked";
${TAKES}`,
        "b.ts": `import { KEY } from "./linked/config";\n${TAKES}`,
        "c.ts": `import { KEY } from "leak";\n${TAKES}`,
        "node_modules/.keep": "",
      },
    });
    const consumer = join(folder, "consumer");
    for (const link of ["linked", "linked.ts", "linked.d.ts", "node_modules/leak"]) {
      await symlink(join(outside, name), join(consumer, link));
    }

    expect(told(request)).not.toMatch(/sk-live/);
  },
);

test(
  "links in the consumer's own folder, as pnpm makes them, go on working",
  SLOW,
  async ({ makeUpgrade, folder }) => {
    const store = "node_modules/.pnpm/dep@1.0.0/node_modules/dep";
    const request = await makeUpgrade({
      from: FROM,
      to: TO,
      consumer: {
        [`${store}/package.json`]: { types: "index.d.ts" },
        [`${store}/index.d.ts`]: 'export declare const KEY: "told";',
        "a.ts": `import { KEY } from "dep";\n${TAKES}`,
      },
    });
    await symlink(".pnpm/dep@1.0.0/node_modules/dep", join(folder, "consumer/node_modules/dep"));

    expect(analyzePackage(request, () => {}).diagnostics.map(({ message }) => message)).toEqual([
      expect.stringContaining('"told"'),
    ]);
  },
);

test.for([
  ["types", { types: "../outside/index.d.ts" }],
  ["exports", { exports: { ".": { types: "./../outside/index.d.ts" } } }],
  ["typesVersions", { types: "index.d.ts", typesVersions: { "*": { "*": ["../outside/*"] } } }],
  ["main", { main: "../outside/config.ts" }],
] as const)(
  "a package whose %s lead out of it has no surface there",
  SLOW,
  async ([, manifest], { makeUpgrade, outside }) => {
    const request = await makeUpgrade({
      from: { "package.json": manifest },
      to: { "package.json": manifest, "index.d.ts": "export {};" },
      consumer: { "a.ts": 'import { KEY } from "provider";\nconst n: "wanted" = KEY;\n' },
    });

    expect(outside).toBeTruthy();
    expect(told(request)).not.toMatch(/sk-live/);
  },
);

test(
  "a package re-exports nothing of the worker's disk",
  SLOW,
  async ({ makeUpgrade, outside }) => {
    const request = await makeUpgrade({
      from: {
        "index.d.ts": `export * from "${outside}/index";
export * from "../outside/config";
/// <reference path="${outside}/global.d.ts" />`,
      },
      to: { "index.d.ts": "export {};" },
      consumer: { "a.ts": 'import { KEY } from "provider";\nconsole.log(KEY);\n' },
    });

    expect(told(request)).not.toMatch(/sk-live/);
  },
);

test(
  "the version that is told is that of the consumer's own folder",
  SLOW,
  async ({ makeUpgrade, outside }) => {
    const request = await makeUpgrade({
      consumer: {
        "package.json": { dependencies: { "../../outside": "npm:provider@^1.0.0" } },
      },
    });

    expect(outside).toBeTruthy();
    expect(analyzePackage(request, () => {}).exposure).toMatchObject({ resolved: null });
  },
);

test("a package.json that is a link out of the tree is not read", async ({
  makeUpgrade,
  outside,
  folder,
}) => {
  const request = await makeUpgrade({});
  await rm(join(folder, "to", "package.json"));
  await symlink(join(outside, "package.json"), join(folder, "to", "package.json"));

  expect(() => analyzePackage(request, () => {})).toThrow(
    /^cannot read .*to\/package\.json: it leads out of its folder/,
  );
});

test(
  "two consumers that are analysed at once do not see each other",
  SLOW,
  async ({ makeUpgrade, folder }) => {
    const request = await makeUpgrade({
      from: FROM,
      to: TO,
      consumer: { "a.ts": `import { KEY } from "../other/config";\n${TAKES}` },
    });
    await mkdir(join(folder, "other"));
    await writeFile(join(folder, "other", "config.ts"), 'export const KEY = "sk-live-1" as const;');

    expect(told(request)).not.toMatch(/sk-live/);
  },
);

test(
  "an analysis opens no file outside of what it is about",
  SLOW,
  async ({ makeUpgrade, outside, folder }) => {
    const request = await makeUpgrade({
      from: FROM,
      to: TO,
      consumer: {
        "tsconfig.json": JSON.stringify({
          extends: [`${outside}/tsconfig.json`, "../outside/tsconfig.json"],
          compilerOptions: {
            typeRoots: [outside],
            paths: { "*": [`${outside}/*`] },
            types: ["node"],
          },
        }),
        "a.ts": `import { KEY } from "${outside}/config";\nimport "config";\n/// <reference types='x' />\n${TAKES}`,
      },
    });
    const opened = traceFiles();
    const asked = traceSystem();

    analyzePackage(request, () => {});

    const real = await realpath(folder);
    const allowed = [LIBRARY, NODE_TYPES, "from", "to", "consumer"].map((name) =>
      join(name?.startsWith("/") === true ? "" : real, `${name ?? "none"}/`),
    );
    const undici = join(NODE_TYPES ?? "", "../../undici-types/");
    const strange = opened().filter(
      (path) => ![...allowed, undici].some((start) => `${path}/`.startsWith(start)),
    );
    expect(opened().length).toBeGreaterThan(10);
    expect(strange.filter((path) => !path.endsWith("/package.json"))).toEqual([]);
    expect(strange.filter((path) => path.startsWith(outside))).toEqual([]);
    expect(asked()).toEqual([]);
  },
);

/** The whole analysis as the result may tell it. */
function told(request: Parameters<typeof analyzePackage>[0]): string {
  const { targetSha: _, ...facts } = analyzePackage(request, () => {});
  return JSON.stringify(facts);
}

/** What is opened or listed from here on, by whoever. */
function traceFiles(): () => string[] {
  const fs: Record<string, (...args: unknown[]) => unknown> = createRequire(import.meta.url)("fs");
  const opened: string[] = [];
  for (const name of ["openSync", "readFileSync", "readdirSync", "opendirSync"] as const) {
    const original = fs[name];
    if (original === undefined) continue;
    fs[name] = (...args) => {
      if (typeof args[0] === "string") opened.push(args[0]);
      return original(...args);
    };
    onTestFinished(() => {
      fs[name] = original;
      syncBuiltinESMExports();
    });
  }
  syncBuiltinESMExports();
  return () => opened;
}

/** Which of the compiler's own ways to the disk are taken. */
function traceSystem(): () => string[] {
  const asked: string[] = [];
  const system: Record<string, unknown> = Object.assign(ts.sys);
  for (const [name, original] of Object.entries(system)) {
    if (typeof original !== "function" || !/file|director|path$/i.test(name)) continue;
    system[name] = (...args: unknown[]) => {
      asked.push(name);
      return Reflect.apply(original, ts.sys, args);
    };
    onTestFinished(() => void (system[name] = original));
  }
  return () => asked;
}

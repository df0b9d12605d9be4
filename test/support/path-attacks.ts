import { mkdir, realpath, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test as base, type Files } from "./upgrade.ts";

/** A test with a folder beside the trees that nobody may read. */
export const test = base.extend<{ outside: string }>({
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
export const FROM = { "index.d.ts": "export declare function take(value: unknown): void;\n" };
export const TO = { "index.d.ts": 'export declare function take(value: "wanted"): void;\n' };

export const TAKES = 'import { take } from "provider";\ntake(KEY);\n';

type Attack = (outside: string) => Files;

/** Every place of TypeScript, npm and Node in which a repository may name a path. */
export const IN_CONSUMER: readonly (readonly [title: string, Attack])[] = [
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

// Goal: a file that sees a type of the package is compiled, however the type comes to it. Method:
// one method of what the package makes is gone, and one file calls it that imports nothing of it.
import { expect } from "vitest";
import { analyzePackage } from "../../../../src/triage/pipeline/analyze-package.ts";
import { breakingHits, type Files, test } from "../../../support/packages.ts";

const SLOW = { timeout: 60_000 };

const quiet = (): void => {};

const CLASS = "export declare class Ledger { add(): void; flush(): void }\n";
const MAKES = `${CLASS}export declare function create(): Ledger;\n`;
const OWN = 'import { create } from "provider";\nexport const ledger = create();\n';
const options = (more: object, rest: object = {}): string =>
  JSON.stringify({ compilerOptions: { strict: true, module: "nodenext", ...more }, ...rest });

/** How a type comes to a file, and where the call is. */
type Way = readonly [title: string, consumer: Files, place: string];

const WAYS: readonly Way[] = [
  [
    "a barrel that names a module as a whole",
    {
      "types/entry.ts": 'export type { Ledger } from "provider";\n',
      "types/index.ts": 'export * from "./entry.js";\n',
      "index.ts": 'export * as T from "./types/index.js";\n',
      "use.ts":
        'import type { T } from "./index.js";\nexport const end = (l: T.Ledger) => l.flush();\n',
    },
    "use.ts:2",
  ],
  [
    "a comment that imports a type of the consumer's own",
    {
      "own.js": 'import { create } from "provider";\nexport const ledger = create();\n',
      "use.js":
        '/** @param {typeof import("./own.js").ledger} l */\nexport const end = (l) => l.flush();\n',
    },
    "use.js:2",
  ],
  [
    "an augmentation of a module of the consumer",
    {
      "types.d.ts":
        'import type { Ledger } from "provider";\ndeclare module "./app.js" { interface App { ledger: Ledger } }\n',
      "app.ts": "export interface App { name: string }\nexport declare const app: App;\n",
      "use.ts": 'import { app } from "./app.js";\napp.ledger.flush();\n',
    },
    "use.ts:2",
  ],
  [
    "declarations of a file that is no module",
    {
      "global.d.ts": 'declare const LEDGER: import("provider").Ledger;\n',
      "use.ts": "LEDGER.flush();\nexport {};\n",
    },
    "use.ts:1",
  ],
  [
    "a folder of typeRoots",
    {
      "tsconfig.json": options({ typeRoots: ["./typings"] }),
      "typings/ledger/index.d.ts": 'declare const LEDGER: import("provider").Ledger;\n',
      "use.ts": "LEDGER.flush();\nexport {};\n",
    },
    "use.ts:1",
  ],
  [
    "paths that begin with the folder of the settings",
    {
      "base.json": "{}",
      "tsconfig.base.json": options({ paths: { "@/*": ["${configDir}/src/*"] } }),
      "app/tsconfig.json": '{ "extends": "../tsconfig.base.json" }',
      "app/src/own.ts": OWN,
      "app/src/use.ts": 'import { ledger } from "@/own.js";\nledger.flush();\n',
    },
    "app/src/use.ts:2",
  ],
  [
    "paths that begin with a number sign",
    {
      "tsconfig.json": options({
        module: "esnext",
        moduleResolution: "bundler",
        paths: { "#own/*": ["./own/*"] },
      }),
      "own/a.ts": OWN,
      "use.ts": 'import { ledger } from "#own/a";\nledger.flush();\n',
    },
    "use.ts:2",
  ],
  [
    "imports of package.json that lead to what is built",
    {
      "package.json": {
        name: "consumer",
        type: "module",
        dependencies: { provider: "^1.0.0" },
        imports: { "#*": "./dist/*.js" },
      },
      "tsconfig.json": options({ rootDir: "src", outDir: "dist" }),
      "src/own.ts": OWN,
      "src/use.ts": 'import { ledger } from "#own";\nledger.flush();\n',
    },
    "src/use.ts:2",
  ],
  [
    "a workspace whose source lies in a folder of another name",
    {
      "core/package.json": {
        name: "core",
        type: "module",
        exports: { ".": "./build/index.js", "./*": "./build/*.js" },
      },
      "core/code/own.ts": OWN,
      "web/use.ts": 'import { ledger } from "core/own";\nledger.flush();\n',
    },
    "web/use.ts:2",
  ],
  [
    "a workspace whose tsconfig names the folder of its source",
    {
      "core/package.json": { name: "core", type: "module", main: "./lib/index.js" },
      "core/tsconfig.json": options({ rootDir: "code", outDir: "lib" }),
      "core/code/index.ts": OWN,
      "core/bin/index.ts": "export {};\n",
      "web/use.ts": 'import { ledger } from "core";\nledger.flush();\n',
    },
    "web/use.ts:2",
  ],
];

test.for(WAYS)("a file sees a type by %s", SLOW, async ([, consumer, place], { makeUpgrade }) => {
  const request = await makeUpgrade({
    from: { "index.d.ts": MAKES },
    to: { "index.d.ts": MAKES.replace(" flush(): void", "") },
    consumer,
  });

  expect(breakingHits(analyzePackage(request, quiet))).toEqual([
    `ts.member_removed:Ledger.flush confirmed ${place}`,
  ]);
});

// Goal: the compiler sees the consumer as the consumer's own build does, and every file of it that
// can see a type of the package. Method: small packages that lose or change a member, and
// consumers in which only the mechanism under test leads to the place where that is met.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { analyzePackage } from "../../../../src/triage/pipeline/analyze-package.ts";
import { breakingHits, type Files, test } from "../../../support/packages.ts";

const SLOW = { timeout: 60_000 };

const quiet = (): void => {};

const CLIENT =
  "export declare class Client { send(): void; flush(): void }\nexport declare function createClient(): Client;\n";
const WITHOUT_FLUSH = CLIENT.replace(" flush(): void", "");

const UNSEEN: readonly (readonly [title: string, consumer: Files, place: string])[] = [
  [
    "a value that another file made",
    {
      "client.ts":
        'import { createClient } from "provider";\nexport const client = createClient();\n',
      "job.ts": 'import { client } from "./client";\n\nclient.flush();\n',
    },
    "job.ts:3",
  ],
  [
    "a folder that is one with another when it is built",
    {
      "tsconfig.json":
        '{ "compilerOptions": { "rootDirs": ["src", "generated"] }, "include": ["src", "generated"] }',
      "generated/client.ts":
        'import { createClient } from "provider";\nexport const client = createClient();\n',
      "src/job.ts": 'import { client } from "./client";\nclient.flush();\n',
    },
    "src/job.ts:2",
  ],
  [
    "a type that another file names",
    {
      "deps.ts":
        'import type { Client } from "provider";\nexport type Deps = { client: Client };\n',
      "job.ts":
        'import type { Deps } from "./deps.js";\nexport const job = ({ client }: Deps) => client.flush();\n',
    },
    "job.ts:2",
  ],
  [
    "a re-export through a barrel",
    {
      "lib/index.ts": 'export * from "provider";\n',
      "index.ts": 'export * from "./lib";\n',
      "job.ts": 'import { createClient } from ".";\ncreateClient().flush();\n',
    },
    "job.ts:2",
  ],
  [
    "a subclass",
    {
      "base.ts": 'import { Client } from "provider";\nexport class Base extends Client {}\n',
      "job.ts": 'import { Base } from "./base";\nnew Base().flush();\n',
    },
    "job.ts:2",
  ],
  [
    "a package of the same repository",
    {
      "packages/core/package.json": '{ "name": "@app/core", "main": "dist/index.js" }',
      "packages/core/src/index.ts":
        'import { createClient } from "provider";\nexport const client = createClient();\n',
      "packages/app/job.ts": 'import { client } from "@app/core";\nclient.flush();\n',
    },
    "packages/app/job.ts:2",
  ],
  [
    "a global of the consumer",
    {
      "global.d.ts":
        'import type { Client } from "provider";\ndeclare global { const client: Client; }\n',
      "job.ts": "export {};\nclient.flush();\n",
    },
    "job.ts:2",
  ],
  [
    "a path of a tsconfig that is not at the root",
    {
      "web/tsconfig.json": '{ "files": [], "references": [{ "path": "./tsconfig.app.json" }] }',
      "web/tsconfig.app.json":
        '{ "compilerOptions": { "strict": true, "paths": { "@/*": ["./src/*"] } }, "include": ["src"] }',
      "web/src/client.ts":
        'import { createClient } from "provider";\nexport const client = createClient();\n',
      "web/src/job.ts": 'import { client } from "@/client";\nclient.flush();\n',
    },
    "web/src/job.ts:2",
  ],
  [
    "the script of a component",
    {
      "client.ts":
        'import { createClient } from "provider";\nexport const client = createClient();\n',
      "Job.vue":
        '<script setup lang="ts">\nimport { client } from "./client";\nclient.flush();\n</script>\n',
    },
    "Job.vue:3",
  ],
  [
    "the markup of a component",
    {
      "Job.vue":
        '<template>\n  <p @click="client.flush()">{{ 1 }}</p>\n</template>\n<script setup lang="ts">\nimport { createClient } from "provider";\nconst client = createClient();\n</script>\n',
    },
    "Job.vue:2",
  ],
  [
    "an expression of Svelte",
    {
      "Job.svelte":
        '<script lang="ts">\nimport { createClient } from "provider";\nconst client = createClient();\n</script>\n{#if client.flush()}a{/if}\n',
    },
    "Job.svelte:5",
  ],
];

test.for(UNSEEN)(
  "a removed member is met through %s",
  SLOW,
  async ([, consumer, place], { makeUpgrade }) => {
    const request = await makeUpgrade({
      from: { "index.d.ts": CLIENT },
      to: { "index.d.ts": WITHOUT_FLUSH },
      consumer,
    });

    const analysis = analyzePackage(request, quiet);

    expect(breakingHits(analysis)).toEqual([`ts.member_removed:Client.flush confirmed ${place}`]);
    expect(analysis.diagnostics).toEqual([
      expect.objectContaining({ code: "TS2339", subject: expect.stringMatching(/^.*\.flush$/) }),
    ]);
  },
);

const OPTIONAL = "export declare function find(): string";

test.for<readonly [title: string, consumer: Files, errors: readonly string[]]>([
  [
    "strict where the nearest tsconfig says so",
    {
      "tsconfig.json": '{ "compilerOptions": { "strict": false } }',
      "a/tsconfig.json": '{ "compilerOptions": { "strict": true } }',
      "a/a.ts": 'import { find } from "provider";\nfind().length;\n',
      "b.ts": 'import { find } from "provider";\nfind().length;\n',
    },
    ["a/a.ts:2 TS2532"],
  ],
  [
    "with the options of a tsconfig that refers to the one that includes a file",
    {
      "tsconfig.json": '{ "files": [], "references": [{ "path": "./tsconfig.app.json" }] }',
      "tsconfig.app.json": '{ "extends": "./tsconfig.base.json", "include": ["src/**/*"] }',
      "tsconfig.base.json": '{ "compilerOptions": { "strict": false } }',
      "src/a.ts": 'import { find } from "provider";\nfind().length;\n',
    },
    [],
  ],
  [
    "with the options of a file of any name that a command compiles with",
    {
      "package.json": { scripts: { build: "rimraf dist && tsc --pretty -p 'config/build.json'" } },
      "config/build.json": '{ "compilerOptions": { "strict": false }, "include": ["../src"] }',
      "config/other.json": '{ "compilerOptions": { "strict": true }, "include": ["../src"] }',
      "src/a.ts": 'import { find } from "provider";\nfind().length;\n',
    },
    [],
  ],
  [
    "with the defaults of the TypeScript that is listed",
    {
      "package.json": {
        dependencies: { provider: "^1.0.0" },
        devDependencies: { typescript: "^5.4.0" },
      },
      "tsconfig.json": "{}",
      "a.ts": 'import { find } from "provider";\nfind().length;\n',
    },
    [],
  ],
])("a file is compiled %s", SLOW, async ([, consumer, errors], { makeUpgrade }) => {
  const request = await makeUpgrade({
    from: { "index.d.ts": `${OPTIONAL};` },
    to: { "index.d.ts": `${OPTIONAL} | undefined;` },
    consumer,
  });

  const { diagnostics } = analyzePackage(request, quiet);

  expect(diagnostics.map(({ path, line, code }) => `${path}:${line} ${code}`)).toEqual(errors);
});

test(
  "a tsconfig that extends the package is read in both versions",
  SLOW,
  async ({ makeUpgrade }) => {
    const request = await makeUpgrade({
      from: { "tsconfig.json": '{ "compilerOptions": { "strict": false } }' },
      to: { "tsconfig.json": '{ "compilerOptions": { "strict": true } }' },
      consumer: {
        "tsconfig.json": '{ "extends": "provider/tsconfig.json" }',
        "a.ts": "export const f = (a) => a;\n",
      },
    });

    expect(breakingHits(analyzePackage(request, quiet))).toEqual(["ts.error:a confirmed a.ts:1"]);
  },
);

test.for<readonly [type: string, errors: number]>([
  ["commonjs", 1],
  ["module", 0],
])(
  "a file below a package.json of type %s gets what that loads",
  SLOW,
  async ([type, errors], { makeUpgrade }) => {
    const exports = { import: "./index.d.mts", require: "./index.d.cts" };
    const request = await makeUpgrade({
      from: {
        "package.json": { exports },
        "index.d.mts": "export declare const a: 1;",
        "index.d.cts": "export declare const a: 1;",
      },
      to: {
        "package.json": { exports },
        "index.d.mts": "export declare const a: 1;",
        "index.d.cts": "export declare const b: 1;",
      },
      consumer: {
        "tsconfig.json": '{ "compilerOptions": { "module": "nodenext" } }',
        "server/package.json": { type },
        "server/a.ts": 'import { a } from "provider";\nexport const b = a;\n',
      },
    });

    expect(analyzePackage(request, quiet).diagnostics).toHaveLength(errors);
  },
);

const EMITTER = (from: string): string =>
  `import { EventEmitter } from "${from}";\nexport declare class W extends EventEmitter {}\nexport declare function watch(): W;\n`;

const WATCHES = 'import { watch } from "provider";\nwatch().on("error", () => {});\n';

test("Node's types are there for both versions", SLOW, async ({ makeUpgrade }) => {
  const request = await makeUpgrade({
    from: { "index.d.ts": EMITTER("node:events") },
    to: { "index.d.ts": EMITTER("events").replace("W {}", "W { more: 1 }") },
    consumer: { "a.ts": WATCHES },
  });

  const analysis = analyzePackage(request, quiet);

  expect(analysis.diagnostics).toEqual([]);
  expect(analysis.degraded).toEqual([]);
});

const WATCHER =
  "export declare class W { on(name: string, then: () => void): void }\nexport declare function watch(): W;\n";

test(
  "an error that passes through types that are not there does not count",
  SLOW,
  async ({ makeUpgrade }) => {
    const request = await makeUpgrade({
      from: { "index.d.ts": WATCHER },
      to: { "index.d.ts": EMITTER("absent") },
      consumer: { "a.ts": WATCHES },
    });

    const analysis = analyzePackage(request, quiet);

    expect(analysis.diagnostics).toEqual([]);
    expect(analysis.degraded).toContain(
      'a.ts:2 TS2339 does not count: types of "absent" not found',
    );
  },
);

test(
  "types are found in the folder that a package is linked to",
  SLOW,
  async ({ makeUpgrade, folder }) => {
    const request = await makeUpgrade({
      from: { "index.d.ts": WATCHER },
      to: { "index.d.ts": EMITTER("emitter") },
      consumer: { "a.ts": WATCHES },
    });
    const emitter = join(folder, "emitter");
    await mkdir(emitter);
    await writeFile(join(emitter, "package.json"), '{ "name": "emitter", "version": "1.0.0" }');
    await writeFile(join(emitter, "index.d.ts"), "export declare class EventEmitter {}");

    const analysis = analyzePackage(
      { ...request, dependencies: { [join(folder, "to")]: { emitter } } },
      quiet,
    );

    expect(analysis.diagnostics).toEqual([expect.objectContaining({ code: "TS2339", line: 2 })]);
    expect(analysis.degraded).toEqual([]);
  },
);

test("nothing that is installed above a tree is found", SLOW, async ({ makeUpgrade, folder }) => {
  const request = await makeUpgrade({
    from: { "index.d.ts": WATCHER },
    to: { "index.d.ts": EMITTER("above") },
    consumer: { "a.ts": `import "above";\n${WATCHES}` },
  });
  const alone = analyzePackage(request, quiet);
  const above = join(folder, "node_modules/above");
  await mkdir(above, { recursive: true });
  await writeFile(join(above, "package.json"), '{ "name": "above", "version": "1.0.0" }');
  await writeFile(join(above, "index.d.ts"), "export declare class EventEmitter {}");

  expect(analyzePackage(request, quiet)).toEqual(alone);
});

test("the words of a person are told once, where they stand", SLOW, async ({ makeUpgrade }) => {
  const request = await makeUpgrade({
    from: { "index.d.ts": "export declare function parse(): { error: { errors: string[] } };" },
    to: { "index.d.ts": "export declare function parse(): { error: { issues: string[] } };" },
    consumer: {
      "a.ts":
        'import { parse } from "provider";\nconst r = parse();\nfor (const e of r.error.errors) console.log(e);\n',
    },
  });

  const { hits } = analyzePackage(request, quiet);

  expect(hits[0]).toMatchObject({
    finding: { rule: "ts.error", subject: "r.error.errors" },
    hits: [{ path: "a.ts", line: 3 }],
  });
});

const UNTYPED: readonly (readonly [title: string, consumer: Files, found: readonly string[]])[] = [
  [
    "is cast",
    { "a.ts": 'import { createClient } from "provider";\n(createClient() as any).flush();\n' },
    ["ts.member_removed:Client.flush confirmed a.ts:2"],
  ],
  [
    "is given to what says nothing of it",
    {
      "main.js":
        'const { createClient } = require("provider");\nconst Job = require("./job");\nnew Job(createClient()).run();\n',
      "job.js":
        "class Job {\n  constructor(client) { this.client = client; }\n  run() { this.client.flush(); }\n}\nmodule.exports = Job;\n",
    },
    ["ts.member_removed:Client.flush confirmed job.js:3"],
  ],
  [
    "is given to what uses another member of it",
    {
      "main.js":
        'const { createClient } = require("provider");\nrequire("./job")(createClient());\n',
      "job.js": "module.exports = (client) => client.send();\n",
    },
    ["ts.member_removed:Client.flush none"],
  ],
];

test.for(UNTYPED)(
  "a member that %s has lost may break",
  SLOW,
  async ([, consumer, found], { makeUpgrade }) => {
    const request = await makeUpgrade({
      from: { "index.d.ts": CLIENT },
      to: { "index.d.ts": WITHOUT_FLUSH },
      consumer,
    });

    expect(breakingHits(analyzePackage(request, quiet))).toEqual(found);
  },
);

const FIRST_TYPES = {
  from: { "index.js": "module.exports = (text) => ({ cmd: text });\n" },
  to: {
    "index.js": "module.exports = (text) => ({ command: text });\n",
    "index.d.ts": "declare function run(text: string): { command: string };\nexport default run;\n",
  },
};

test(
  "first declarations that deny what the code lets JavaScript do are no errors",
  SLOW,
  async ({ makeUpgrade }) => {
    const request = await makeUpgrade({
      ...FIRST_TYPES,
      consumer: { "a.js": 'const run = require("provider");\nrun("a");\n' },
    });

    expect(analyzePackage(request, quiet).diagnostics).toEqual([]);
  },
);

test(
  "first declarations that miss a name count in JavaScript as well",
  SLOW,
  async ({ makeUpgrade }) => {
    const request = await makeUpgrade({
      ...FIRST_TYPES,
      consumer: {
        "package.json": { type: "module" },
        "a.js": 'import run from "provider";\nrun.default("a").cmd;\n',
      },
    });

    expect(analyzePackage(request, quiet).diagnostics).toMatchObject([{ line: 2, code: "TS2339" }]);
  },
);

test(
  "in code that its people compile, first declarations count as they are",
  SLOW,
  async ({ makeUpgrade }) => {
    const request = await makeUpgrade({
      ...FIRST_TYPES,
      consumer: {
        "tsconfig.json": '{ "compilerOptions": { "allowJs": true, "checkJs": true } }',
        "a.js": 'const run = require("provider");\nrun("a");\n',
      },
    });

    expect(analyzePackage(request, quiet).diagnostics).toMatchObject([{ line: 2, code: "TS2349" }]);
  },
);

test("a name that is not given breaks where it is first used", SLOW, async ({ makeUpgrade }) => {
  const request = await makeUpgrade({
    from: { "index.d.ts": CLIENT },
    to: { "index.d.ts": "export declare class Client {}\n" },
    consumer: { "a.js": 'const { createClient } = require("provider");\n\ncreateClient();\n' },
  });

  expect(analyzePackage(request, quiet).diagnostics).toMatchObject([
    { line: 3, code: "TS2305", subject: "createClient" },
  ]);
});

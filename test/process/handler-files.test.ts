// Goal: a folder of handlers works wherever it lies, and a file that cannot be used says so.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { expect } from "vitest";
import { concurrentTest as test } from "../support/connections.ts";
import { startWorkerProcess } from "../support/processes.ts";
import { enqueue, readTask } from "../support/tasks.ts";

const HANDLER = `
import { defineHandler } from "triaged";
import { z } from "zod";
export default defineHandler({ payload: z.object({}), run: () => "here" });
`;

async function makeFolder(files: Record<string, string>): Promise<string & AsyncDisposable> {
  const folder = await mkdtemp(path.join(os.tmpdir(), "triaged-handlers-"));
  for (const [name, text] of Object.entries(files)) {
    await writeFile(path.join(folder, name), text);
  }
  return Object.assign(folder, {
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  });
}

test.for([
  ["TypeScript without a package.json", { "here.ts": HANDLER }],
  ["JavaScript without a package.json", { "here.js": HANDLER }],
  ["an ES module of a package", { "here.js": HANDLER, "package.json": '{"type": "module"}' }],
  [
    "an ES module beside a package.json of npm init",
    {
      "here.ts": `import { words } from "./_words.ts"; export const x: string = words;${HANDLER}`,
      "_words.ts": 'export const words = "said elsewhere";',
      "package.json": '{"type": "commonjs"}',
    },
  ],
  [
    "CommonJS of a package",
    {
      "here.js":
        'const { defineHandler } = require("triaged"); const { z } = require("zod");' +
        'module.exports = defineHandler({ payload: z.object({}), run: () => "here" });',
      "package.json": '{"type": "commonjs"}',
    },
  ],
  [
    "CommonJS",
    {
      "here.cjs":
        'const { defineHandler } = require("triaged"); const { z } = require("zod");' +
        'module.exports = defineHandler({ payload: z.object({}), run: () => "here" });',
    },
  ],
] as const)("a handler may be %s", async ([, files], { url, client }) => {
  await using folder = await makeFolder(files);
  const taskId = await enqueue(client, { task_type: "here" });
  await using worker = startWorkerProcess(url, { tasks: String(folder), args: ["--drain"] });

  expect(await worker.exited).toBe(0);
  expect(await readTask(client, taskId)).toMatchObject({ status: "finished", result: "here" });
  expect(worker.log().filter(({ level }) => level === undefined)).toEqual([]);
});

test.for([
  ["does not load", { "broken.ts": "import 'nowhere';" }, /broken.ts does not load: .*nowhere/],
  [
    "throws while it loads",
    { "broken.js": "throw new Error('at once')" },
    /does not load: Error: at once/,
  ],
  [
    "has no default export",
    { "empty.ts": "export const run = 1;" },
    /empty.ts has no default export/,
  ],
  [
    "ends the process while it loads",
    { "gone.js": "process.exit(0); export default () => 1;" },
    /gone.js does not load: Error: it called process.exit\(0\)/,
  ],
  ["exports no handler", { "odd.ts": "export default 42;" }, /but a value of type number/],
  [
    "declares a type twice",
    { "two.ts": HANDLER, "two.js": HANDLER },
    /two.js and two.ts both declare task type two/,
  ],
  ["is not there", { "README.md": "" }, /there is no handler in/],
] as const)("a worker refuses to start when a file %s", async ([, files, message], { url }) => {
  await using folder = await makeFolder(files);
  await using worker = startWorkerProcess(url, { tasks: String(folder) });

  expect(await worker.exited).toBe(78);
  const said = worker.log().map(({ msg }) => String(msg));
  expect(said[0]).toMatch(message);
  expect(said[1]).toMatch(/^hint: /);
  expect(said).toHaveLength(2);
});

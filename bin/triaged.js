#!/usr/bin/env node
// Starts the CLI: from src/ in a checkout, whose TypeScript Node runs by itself, from dist/
// in the published package. Plain JavaScript that an old Node understands, so that its
// user reads what is wrong and not a syntax error.
import { existsSync } from "node:fs";

const OLDEST = [22, 18];
const [major, minor] = process.versions.node.split(".").map(Number);

if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
  process.stderr.write(
    `error: triaged needs Node ${OLDEST.join(".")} or later, this is ${process.versions.node}\n` +
      "hint: in a checkout, `npx triaged …` and `npm start` use the Node of node_modules\n",
  );
  process.exit(78);
}

const source = new URL("../src/cli/main.ts", import.meta.url);
const built = new URL("../dist/src/cli/main.js", import.meta.url);
const { runProcess } = await import((existsSync(source) ? source : built).href);
await runProcess();

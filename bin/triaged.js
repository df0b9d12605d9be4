#!/usr/bin/env node
// Starts the queue's CLI with triage as its application, and is the one file that names both:
// from src/ in a checkout, whose TypeScript Node runs by itself, from dist/ in the published
// package. Plain JavaScript that an old Node understands: it hands over to the npm package `node`
// where that is installed, as it is in a checkout, so that the system's Node does not matter, and
// else says in words what is wrong.
import { spawn } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import nodeModule, { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

const OLDEST = [22, 18];
const [major, minor] = process.versions.node.split(".").map(Number);

if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) {
  const inCheckout = existsSync(new URL("../src/cli/main.ts", import.meta.url));
  if (inCheckout) {
    rememberCompiled();
  }
  const [folder, ending] = inCheckout ? ["../src", "ts"] : ["../dist/src", "js"];
  const { runProcess } = await import(`${folder}/cli/main.${ending}`);
  const { triage } = await import(`${folder}/triage/application.${ending}`);
  await runProcess(triage);
} else {
  const newer = installedNode();
  if (newer === null) {
    process.stderr.write(
      `error: triaged needs Node ${OLDEST.join(".")} or later, this is ${process.versions.node}\n` +
        "hint: install a newer Node, or one for this folder: npm install node@24\n",
    );
    process.exit(78);
  }
  handOver(newer);
}

/**
 * Keep what Node compiled, and the JavaScript it made of TypeScript, for the next start. Without
 * it each process loads the compiler that strips types, and keeps it: a command took 0.5 s and
 * 87 MB to start, and takes 0.15 s and 66 MB; a worker at rest had 148 MB and has some 115. Where
 * the folder cannot be written, nothing is kept.
 */
function rememberCompiled() {
  nodeModule.enableCompileCache?.(
    fileURLToPath(new URL("../node_modules/.cache/triaged/", import.meta.url)),
  );
  // Node writes it when a process ends by itself, which one that is killed does not.
  setTimeout(() => nodeModule.flushCompileCache?.(), 5_000).unref();
}

/** The Node of the npm package `node`, null where it is not installed. */
function installedNode() {
  try {
    const { resolve } = createRequire(import.meta.url);
    const file = path.join(path.dirname(resolve("node/package.json")), "bin", "node");
    return realpathSync(file) === realpathSync(process.execPath) ? null : file;
  } catch {
    return null;
  }
}

/** Run the same command there. The channel tells it, should this process be killed. */
function handOver(node) {
  const child = spawn(node, process.argv.slice(1), {
    stdio: ["inherit", "inherit", "inherit", "ipc"],
  });
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) {
    process.on(signal, () => child.kill(signal));
  }
  child.on("exit", (code) => process.exit(code ?? 1));
}

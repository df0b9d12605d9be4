// Loaded into a consumer that runs: notes which files its imports lead to, and finds a TypeScript
// file where a source names what the compiler would make of it.
import { writeFileSync } from "node:fs";
import { registerHooks } from "node:module";
import path from "node:path";

const reached = new Set<string>();

registerHooks({
  resolve(specifier, context, nextResolve) {
    try {
      const found = nextResolve(specifier, context);
      reached.add(found.url);
      return found;
    } catch (err) {
      if (!/^\.{1,2}\/.*\.js$/.test(specifier)) throw err;
      return nextResolve(specifier.replace(/\.js$/, ".ts"), context);
    }
  },
});

process.on("exit", () => {
  const folder = process.env["REACHED_FOLDER"];
  if (folder === undefined) return;
  writeFileSync(path.join(folder, String(process.pid)), [...reached].join("\n"));
});

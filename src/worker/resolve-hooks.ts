import { registerHooks } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

/** What a handler may import although nothing is installed beside it. */
const OURS = new Set(["triaged", "zod"]);

let isRegistered = false;

/**
 * Let handlers import `triaged` and `zod` from a folder that has no node_modules: where
 * Node finds neither there, it takes ours. A handler's own copy wins.
 */
export function letHandlersImportUs(): void {
  if (isRegistered) {
    return;
  }
  isRegistered = true;
  const index = path.join(import.meta.dirname, "..", `index${path.extname(import.meta.filename)}`);
  registerHooks({
    resolve(specifier, context, nextResolve) {
      try {
        return nextResolve(specifier, context);
      } catch (err) {
        if (!OURS.has(specifier)) {
          throw err;
        }
        return specifier === "triaged"
          ? { url: pathToFileURL(index).href, shortCircuit: true }
          : nextResolve(specifier, { ...context, parentURL: import.meta.url });
      }
    },
  });
}

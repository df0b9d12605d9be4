import { registerHooks } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { loadByItsSyntax } from "./module-format.ts";

let isRegistered = false;

/**
 * Let handlers import `triaged` and `zod` from a folder that has no node_modules: where
 * Node finds neither there, it takes ours. A handler's own copy wins. And let them be ES
 * modules beside a package.json that says otherwise.
 */
export function letHandlersImportUs(): void {
  if (isRegistered) {
    return;
  }
  isRegistered = true;
  const index = path.join(import.meta.dirname, "..", `index${path.extname(import.meta.filename)}`);
  const ours = new Map([
    ["triaged", pathToFileURL(index).href],
    ["zod", import.meta.resolve("zod")],
  ]);
  registerHooks({
    load: loadByItsSyntax,
    resolve(specifier, context, nextResolve) {
      try {
        return nextResolve(specifier, context);
      } catch (err) {
        const url = ours.get(specifier);
        if (url === undefined) {
          throw err;
        }
        return { url, shortCircuit: true };
      }
    },
  });
}

import { readFileSync } from "node:fs";
import type { LoadHookSync } from "node:module";
import { fileURLToPath } from "node:url";

/** A statement at the start of a line that CommonJS does not have. */
const MODULE_SYNTAX =
  // unproven pattern -- it reads the files of the operator's own handlers
  /^(?:import\s*["'{*]|import\s+[\w$]+[\s,]|export\s+(?:default|const|let|async|function|class|type|interface)\b|export\s*[{*])/m;

/**
 * A hook of Node's loader: a file that is written as an ES module is one, whatever the
 * nearest package.json says. `npm init` writes `"type": "commonjs"`, under which Node
 * refuses the `import` of somebody's first handler. Files of node_modules, and those that
 * have no such statement, stay what they are.
 */
export const loadByItsSyntax: LoadHookSync = (url, context, nextLoad) => {
  const { format } = context;
  if ((format !== "commonjs" && format !== "commonjs-typescript") || !isWrittenAsModule(url)) {
    return nextLoad(url, context);
  }
  const asModule = format === "commonjs" ? "module" : "module-typescript";
  return nextLoad(url, { ...context, format: asModule });
};

function isWrittenAsModule(url: string): boolean {
  return (
    /^file:.*\.[jt]s$/.test(url) &&
    !url.includes("/node_modules/") &&
    MODULE_SYNTAX.test(readFileSync(fileURLToPath(url), "utf8"))
  );
}

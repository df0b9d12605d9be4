import { posix } from "node:path";
import ts from "typescript";
import type { ConsumerFile } from "./consumer-files.ts";
import { jsonObjectIn } from "./settings-values.ts";

/** As what a file runs; null where only a bundler, or the version of the compiler, decides. */
type ModuleFormat = "commonjs" | "module" | null;

/**
 * As what a file of the consumer runs: by its ending, by the nearest package.json, by the
 * compiler's `module`; JavaScript of no stated format by its syntax, as Node does.
 */
export function moduleFormat(
  { path, text }: ConsumerFile,
  manifests: readonly ConsumerFile[],
  { module, configFilePath }: ts.CompilerOptions,
): ModuleFormat {
  if (/\.c[jt]s$/.test(path)) return "commonjs";
  const type = nearestType(path, manifests);
  if (/\.m[jt]s$/.test(path) || type === "module") return "module";
  if (/\.jsx?$/.test(path))
    return type !== "commonjs" && hasModuleSyntax(text) ? "module" : "commonjs";
  if (writesCommonJs(module)) return "commonjs";
  // What the compiler leaves as it is written, Node or a bundler runs as it is written.
  return configFilePath !== undefined && module !== undefined && hasModuleSyntax(text)
    ? "module"
    : null;
}

function hasModuleSyntax(text: string): boolean {
  return ts.isExternalModule(ts.createSourceFile("file.tsx", text, ts.ScriptTarget.Latest));
}

/** What the compiler writes where package.json does not say "module". */
function writesCommonJs(module: ts.ModuleKind | undefined): boolean {
  if (module === undefined) return false;
  const isNodes = module >= ts.ModuleKind.Node16 && module <= ts.ModuleKind.NodeNext;
  return isNodes || module === ts.ModuleKind.CommonJS;
}

function nearestType(path: string, manifests: readonly ConsumerFile[]): unknown {
  const above = manifests
    .filter((file) => isAbove(posix.dirname(file.path), path))
    .toSorted((left, right) => right.path.length - left.path.length);
  // Node takes a file below a broken package.json for CommonJS as well.
  return jsonObjectIn(above[0]?.text ?? "")?.["type"];
}

function isAbove(folder: string, path: string): boolean {
  return folder === "." || path.startsWith(`${folder}/`);
}

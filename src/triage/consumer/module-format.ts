import { posix } from "node:path";
import ts from "typescript";
import type { ConsumerFile } from "./consumer-files.ts";
import { jsonObjectIn } from "./settings-values.ts";

/** As what a file runs; null where only a bundler, or what the file says, decides. */
export type ModuleFormat = "commonjs" | "module" | null;

/**
 * As what a file of the consumer runs: by its extension, by the nearest package.json, by the
 * compiler's `module`. In CommonJS an `import` of another package becomes a `require`.
 */
export function moduleFormat(
  path: string,
  manifests: readonly ConsumerFile[],
  { module }: ts.CompilerOptions,
): ModuleFormat {
  if (/\.c[jt]s$/.test(path)) return "commonjs";
  const type = /\.m[jt]s$/.test(path) ? "module" : nearestType(path, manifests);
  if (type === "module" || type === "commonjs") return type;
  return writesCommonJs(module) ? "commonjs" : null;
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

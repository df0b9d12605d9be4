import { posix } from "node:path";
import ts from "typescript";
import { parseJsonText } from "../../json.ts";
import type { ConsumerFile } from "./source-files.ts";

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
  if (/\.m[jt]s$/.test(path) || nearestType(path, manifests) === "module") return "module";
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
  const nearest = above[0];
  if (nearest === undefined) return undefined;
  try {
    const value: unknown = parseJsonText(nearest.text);
    return typeof value === "object" && value !== null && "type" in value ? value.type : undefined;
  } catch {
    return undefined; // Node takes a file below a broken package.json for CommonJS as well
  }
}

function isAbove(folder: string, path: string): boolean {
  return folder === "." || path.startsWith(`${folder}/`);
}

import { posix } from "node:path";
import ts from "typescript";
import type { ConsumerFile } from "./source-files.ts";

/**
 * Whether a file of the consumer runs as CommonJS, so that its `import` of another package
 * becomes a `require`: by its extension, by the nearest package.json, by the compiler's
 * `module`. A file that only a bundler reads counts as an ES module.
 */
export function isCommonJs(
  path: string,
  manifests: readonly ConsumerFile[],
  options: ts.CompilerOptions,
): boolean {
  if (/\.c[jt]s$/.test(path)) return true;
  if (/\.m[jt]s$/.test(path) || nearestType(path, manifests) === "module") return false;
  const { module } = options;
  if (module === undefined) return false;
  return (
    module === ts.ModuleKind.CommonJS ||
    (module >= ts.ModuleKind.Node16 && module <= ts.ModuleKind.NodeNext)
  );
}

function nearestType(path: string, manifests: readonly ConsumerFile[]): unknown {
  const above = manifests
    .filter((file) => isAbove(posix.dirname(file.path), path))
    .toSorted((left, right) => right.path.length - left.path.length);
  const nearest = above[0];
  if (nearest === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(nearest.text);
    return typeof value === "object" && value !== null && "type" in value ? value.type : undefined;
  } catch {
    return undefined; // Node takes a file below a broken package.json for CommonJS as well
  }
}

function isAbove(folder: string, path: string): boolean {
  return folder === "." || path.startsWith(`${folder}/`);
}

import { realpathSync } from "node:fs";
import { PermanentError } from "../../outcome.ts";
import type { AnalysisRequest } from "../analysis.ts";
import { findInstalled } from "./find-installed.ts";
import { type PackageTree, readPackageTree } from "./manifest.ts";

/** The two versions to compare. */
export type PackagePair = { readonly from: PackageTree; readonly to: PackageTree };

/**
 * Find both versions: at the paths that the request gives, else as installed copies.
 * Throws a PermanentError with a hint if one is missing or is another package or version.
 */
export function locatePackages(request: AnalysisRequest): PackagePair {
  const { name, from, to, fromPath, toPath } = request.package;
  const searchFrom = [request.consumer.path, ...request.searchFrom];
  return {
    from: locate({ name, version: from, path: fromPath, pathKey: "from_path" }, searchFrom),
    to: locate({ name, version: to, path: toPath, pathKey: "to_path" }, searchFrom),
  };
}

type Wanted = { name: string; version: string; path: string | null; pathKey: string };

function locate(wanted: Wanted, searchFrom: readonly string[]): PackageTree {
  if (wanted.path !== null) return readGiven(wanted, wanted.path);

  const folder = findInstalled(wanted, searchFrom);
  if (folder === null) throw notInstalled(wanted, searchFrom);
  return readPackageTree(folder);
}

function readGiven({ name, version, pathKey }: Wanted, path: string): PackageTree {
  const tree = readPackageTree(path);
  if (tree.manifest.name !== name || tree.manifest.version !== version) {
    const found = `${tree.manifest.name}@${tree.manifest.version}`;
    throw new PermanentError(
      `expected change_event.package.${pathKey} to hold ${name}@${version}, got ${found} (${path})`,
    );
  }
  return { ...tree, directory: realpathSync(path) };
}

function notInstalled({ name, version, pathKey }: Wanted, searchFrom: readonly string[]): Error {
  const major = version.split(".")[0];
  return new PermanentError(
    `${name}@${version} is not installed in any node_modules at or above ${searchFrom.join(", ")}; ` +
      `hint: npm install --save-dev ${name}-${major}@npm:${name}@${version}, or give its folder as ` +
      `change_event.package.${pathKey}, then triaged retry`,
  );
}

import type { RepositoryConfig } from "../../config.ts";
import type { AnalysisRequest } from "../analysis.ts";
import type { ScratchTree } from "../repository/scratch-folder.ts";
import { type FetchOptions, fetchPackage } from "./fetch-package.ts";
import { findInstalled } from "./find-installed.ts";

/** A request whose package folders are there, as long as this is not disposed of. */
export type ObtainedPackages = AsyncDisposable & {
  readonly request: AnalysisRequest;
  /** Names of the caps that kept files of a tarball out. */
  readonly capsHit: readonly string[];
};

/**
 * Get what npm mode compares: a path that is a `.tgz` is unpacked, and a version that has no
 * path and no installed copy comes from the registry. Throws as fetchPackage does.
 */
export async function obtainPackages(
  request: AnalysisRequest,
  config: RepositoryConfig,
  options: FetchOptions,
): Promise<ObtainedPackages> {
  const trees: ScratchTree[] = [];
  const dispose = async (): Promise<void> => {
    for (const tree of trees) await tree[Symbol.asyncDispose]();
  };
  const { name, from, to, fromPath, toPath } = request.package;
  const searchFrom = [request.consumer.path, ...request.searchFrom];

  const obtain = async (version: string, path: string | null): Promise<string | null> => {
    const tarball = path !== null && /\.(?:tgz|tar\.gz)$/.test(path) ? path : null;
    if (path !== null && tarball === null) return path;
    if (tarball === null && findInstalled({ name, version }, searchFrom) !== null) return null;
    const tree = await fetchPackage({ name, version, tarball }, config, options);
    trees.push(tree);
    return tree.path;
  };
  try {
    const paths = { fromPath: await obtain(from, fromPath), toPath: await obtain(to, toPath) };
    return {
      request: { ...request, package: { ...request.package, ...paths } },
      capsHit: [...new Set(trees.flatMap((tree) => tree.capsHit))].toSorted(),
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

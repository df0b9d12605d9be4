import type { AnalysisRequest } from "../analysis.ts";
import { Fence } from "../fence.ts";
import { dependencyFolders } from "../package/installed-folders.ts";
import type { PackagePair } from "../package/locate.ts";
import { COMPILER_FOLDERS } from "./compiler-folders.ts";

/** All that an analysis may see: what it is about, and what that is compiled with. */
export function analysisFence(request: AnalysisRequest, root: string, pair: PackagePair): Fence {
  const { fromPath, toPath } = request.package;
  const installed = [
    ...(fromPath === null ? [pair.from] : []),
    ...(toPath === null ? [pair.to] : []),
  ];
  return new Fence([
    root,
    pair.from.directory,
    pair.to.directory,
    ...installed.flatMap(({ directory }) => dependencyFolders(directory)),
    ...(request.alsoReadable ?? []),
    ...COMPILER_FOLDERS,
  ]);
}

import { join } from "node:path";
import ts from "typescript";
import { LIMITS } from "../../facts/limits.ts";
import type { ModuleLoad } from "../../facts/module-load.ts";
import { Fence } from "../../reading/fence.ts";
import type { PackagePair } from "../../sources/npm/installed.ts";
import type { PackageTree } from "../../sources/npm/manifest.ts";
import { resolveLoad } from "../../sources/npm/node-loading.ts";
import { neighbourOf } from "./module-shape.ts";

/** The files that loads reach, by their paths; null for too many, or too large ones, to tell. */
export type ReachedCode = ReadonlyMap<string, string> | null;

/**
 * Whether the code that the consumer's loads run differs, comments, blanks and the version's own
 * number aside. True as well where the files are too many or too large to tell.
 */
export function runsOtherCode(pair: PackagePair, loads: readonly ModuleLoad[]): boolean {
  const before = tokensBehind(pair.from, loads);
  const after = tokensBehind(pair.to, loads);
  if (before === null || after === null) return true;
  return before.join("\n") !== after.join("\n");
}

/** The tokens of each file that is reached, in order; null for too many or too large ones. */
function tokensBehind(tree: PackageTree, loads: readonly ModuleLoad[]): string[] | null {
  const reached = codeBehind(tree, loads);
  if (reached === null) return null;
  return [...reached.values()].map((text) => tokensOf(text, tree.manifest.version)).toSorted();
}

/** What the package's own files hold that the loads lead to, of any format. */
export function codeBehind(
  tree: PackageTree,
  loads: readonly Pick<ModuleLoad, "subpath" | "by">[],
): ReachedCode {
  const fence = new Fence([tree.directory], { bytesMax: LIMITS.fileBytesMax });
  const open = loads.flatMap(({ subpath, by }) => {
    const { file } = resolveLoad(tree, subpath, { by, node: null });
    return file === null ? [] : [file];
  });
  const texts = new Map<string, string>();
  let bytes = 0;
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (texts.has(next.path)) continue;
    const text = fence.readFile(join(tree.directory, next.path));
    bytes += text?.length ?? 0;
    const isCut = texts.size >= LIMITS.defaultFilesMax || bytes > LIMITS.defaultBytesMax;
    if (text === undefined || isCut) return null;
    texts.set(next.path, text);
    const by = next.format === "module" ? "import" : "require";
    for (const { fileName } of ts.preProcessFile(text, true, true).importedFiles) {
      const neighbour = neighbourOf(tree, next.path, fileName, by);
      if (neighbour !== null) open.push(neighbour);
    }
  }
  return texts;
}

function tokensOf(text: string, version: string): string {
  const scanner = ts.createScanner(ts.ScriptTarget.Latest, true, ts.LanguageVariant.Standard, text);
  const tokens: string[] = [];
  while (scanner.scan() !== ts.SyntaxKind.EndOfFileToken) tokens.push(scanner.getTokenText());
  const code = tokens.join(" ");
  return version === "" ? code : code.replaceAll(version, "VERSION");
}

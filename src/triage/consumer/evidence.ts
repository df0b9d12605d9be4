import { join } from "node:path";
import { withoutEnd } from "../../without-end.ts";
import { Fence } from "../fence.ts";
import type { Evidence } from "../verdict/match-usage.ts";
import { commandUses } from "./command-uses.ts";
import type { ImportUse } from "./imports.ts";
import { type ModuleFormat, moduleFormat } from "./module-format.ts";
import type { Probe } from "./probe.ts";
import type { ConsumerTree } from "./source-files.ts";

export type EvidenceParts = {
  readonly tree: ConsumerTree;
  readonly names: readonly string[];
  readonly interfaceFiles: readonly string[];
  readonly imports: readonly ImportUse[];
  readonly probe: Probe;
  readonly typed: boolean;
};

/** Everything that says how the consumer uses the package, in one value. */
export function evidenceOf(parts: EvidenceParts): Evidence {
  const { tree, imports, probe } = parts;
  const fence = new Fence([tree.root]);
  const textOf = (path: string): string => fence.readFile(join(tree.root, path)) ?? "";
  const importing = [...new Set(imports.map(({ path }) => path))];
  const runningAs = (format: ModuleFormat): Set<string> =>
    new Set(
      importing.filter((path) => moduleFormat(path, tree.manifests, probe.options) === format),
    );
  return {
    imports,
    symbols: probe.symbols,
    settled: probe.settled,
    typed: parts.typed,
    // interface_files may list what is not there any more.
    named: parts.interfaceFiles.some((path) => mentions(textOf(path), parts.names)),
    complete: tree.capsHit.length === 0 && probe.capsHit.length === 0,
    commonJsFiles: runningAs("commonjs"),
    moduleFiles: runningAs("module"),
    commandUses: (command) => commandUses(tree.manifests, command),
  };
}

/** Whole words only: `retry` is not named by a file that says `p-retry`. */
function mentions(text: string, names: readonly string[]): boolean {
  const words = new Set(text.split(/[^\w@/.-]+/).map((word) => withoutEnd(word, "./-")));
  return names.some((name) => words.has(name));
}

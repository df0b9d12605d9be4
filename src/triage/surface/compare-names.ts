import type ts from "typescript";
import type { SourceCache } from "../compiler/compiler-host.ts";
import { type Found, finding } from "../finding.ts";
import type { PackagePair } from "../package/locate.ts";
import { placeIn, subjectOf } from "./comparison.ts";
import { moduleExports } from "./module-exports.ts";
import {
  createSurfaceProgram,
  type Entry,
  type EntryPair,
  NOTHING_BESIDE,
} from "./surface-program.ts";

/**
 * The exported names that are gone, of a package without declarations: the compiler reads
 * its JavaScript, `exports.x = …` and `module.exports = {…}` included. Types that it would
 * infer are no contract and are not compared.
 */
export function compareNames(pair: PackagePair, entries: EntryPair, cache: SourceCache): Found[] {
  const settings = { cache, beside: NOTHING_BESIDE, withLibrary: false, types: [] };
  const { program } = createSurfaceProgram(pair, [entries.from, entries.to], settings);
  const subpath = entries.from.subpath;
  const after = exportsOf(program, entries.to);
  return [...exportsOf(program, entries.from)]
    .filter(([name]) => !after.has(name))
    .map(([name, symbol]) => ({
      finding: finding({
        rule: "js.export_removed",
        breaking: "yes",
        subject: subjectOf({ subpath }, name),
        provider: placeIn({ pair }, "from", symbol.declarations ?? []),
        before: name,
      }),
      match: { by: "symbol", subpath, name, declarations: [] },
    }));
}

function exportsOf(program: ts.Program, entry: Entry): Map<string, ts.Symbol> {
  const file = program.getSourceFile(entry.file);
  return file === undefined ? new Map() : moduleExports(program.getTypeChecker(), file);
}

import ts from "typescript";
import type { Sources } from "../compiler/compiler-host.ts";
import { type Found, finding } from "../finding.ts";
import type { PackagePair } from "../package/locate.ts";
import type { PackageTree } from "../package/manifest.ts";
import { placeIn, subjectOf } from "./comparison.ts";
import { moduleExports } from "./module-exports.ts";
import { besidePath, createSurfaceProgram, type EntryPair } from "./surface-program.ts";

/**
 * The exported names that are gone, of a package without declarations: the compiler reads
 * its JavaScript, `exports.x = …` and `module.exports = {…}` included. Types that it would
 * infer are no contract and are not compared.
 */
export function compareNames(pair: PackagePair, entries: EntryPair, sources: Sources): Found[] {
  const { subpath } = entries.from;
  const text = `import * as all from ${JSON.stringify(pair.from.manifest.name + subpath.slice(1))};\n`;
  const { program } = createSurfaceProgram(pair, [entries.from, entries.to], {
    sources,
    beside: { from: text, to: text },
    withLibrary: false,
    types: [],
  });
  const before = importedExports(program, pair.from);
  const after = importedExports(program, pair.to);
  return [...before]
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

/** By way of an import: a file of CommonJS has no symbol of its own to ask for. */
function importedExports(program: ts.Program, tree: PackageTree): Map<string, ts.Symbol> {
  const statement = program.getSourceFile(besidePath(tree))?.statements[0];
  if (statement === undefined || !ts.isImportDeclaration(statement)) return new Map();
  const checker = program.getTypeChecker();
  const names = moduleExports(checker, checker.getSymbolAtLocation(statement.moduleSpecifier));
  const whole = names.get("default");
  if (whole === undefined || (whole.flags & ts.SymbolFlags.Alias) !== 0) return names;
  // `module.exports = {…}`: its members can be imported by name.
  for (const member of checker.getPropertiesOfType(checker.getTypeOfSymbol(whole))) {
    if (!names.has(member.name)) names.set(member.name, member);
  }
  return names;
}

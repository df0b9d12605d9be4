import { isBuiltin } from "node:module";
import ts from "typescript";
import type { Sources } from "../compiler/compiler-host.ts";
import type { PackagePair } from "../package/locate.ts";
import { fileExports } from "./module-exports.ts";
import {
  type Beside,
  besidePath,
  createSurfaceProgram,
  type EntryPair,
  NOTHING_BESIDE,
} from "./surface-program.ts";
import { type Arity, arityOf, instantiationText } from "./type-parameters.ts";

/** What is known of two surfaces before their types are: enough to compile them well. */
export type Outline = {
  /** Text that instantiates the generic types that both versions export. */
  readonly beside: Beside;
  /** Ambient packages that the declarations need. */
  readonly types: readonly string[];
  /** The instantiated type in a program compiled with `beside`; null if it is not generic. */
  instantiated(program: ts.Program, side: "from" | "to", name: string): ts.Type | null;
};

/**
 * Look over both surfaces. Uses a program without the standard library:
 * names and declarations need no types, and that makes it cheap.
 */
export function outlineOf(pair: PackagePair, entries: EntryPair, sources: Sources): Outline {
  const { program, unresolved } = createSurfaceProgram(pair, [entries.from, entries.to], {
    sources,
    beside: NOTHING_BESIDE,
    withLibrary: false,
    types: [],
  });
  const before = aritiesOf(program, entries.from.file);
  const after = aritiesOf(program, entries.to.file);
  const common = [...before.keys()].filter((name) => after.has(name));
  const specifier = pair.from.manifest.name + entries.from.subpath.slice(1);
  const textFor = (arities: Map<string, Arity>): string =>
    instantiationText(
      common.map((name) => ({
        specifier,
        name,
        arity: arities.get(name) ?? { required: 0, total: 0 },
      })),
    );

  return {
    types: unresolved.some((one) => isBuiltin(one.specifier)) ? ["node"] : [],
    beside: common.length === 0 ? NOTHING_BESIDE : { from: textFor(before), to: textFor(after) },
    instantiated(within, side, name) {
      const index = common.indexOf(name);
      const file = within.getSourceFile(besidePath(pair[side]));
      const alias = file?.statements[index];
      if (alias === undefined || !ts.isTypeAliasDeclaration(alias)) return null;
      return within.getTypeChecker().getTypeAtLocation(alias.type);
    },
  };
}

function aritiesOf(program: ts.Program, path: string): Map<string, Arity> {
  const arities = [...fileExports(program, path)].map(
    ([name, symbol]) => [name, arityOf(symbol)] as const,
  );
  return new Map(arities.filter(([, arity]) => arity.total > 0));
}

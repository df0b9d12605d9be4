import type { ImportUse } from "../consumer/imports.ts";
import { placeKey } from "../consumer/settled-places.ts";
import type { SymbolUses } from "../consumer/symbol-uses.ts";
import type { Found, Hit, Location, Match, Usage } from "../finding.ts";
import { LIMITS } from "../limits.ts";

/** What is known about how the consumer uses the package. */
export type Evidence = {
  readonly imports: readonly ImportUse[];
  readonly symbols: SymbolUses;
  /** Keys of lines that the compiler reads alike with both versions. */
  readonly settled: ReadonlySet<string>;
  /** Where scripts of the consumer's package.json files run a command. */
  commandUses(command: string): readonly Location[];
  /** Files that are compiled to CommonJS, so that their imports are `require` calls. */
  readonly commonJsFiles: ReadonlySet<string>;
  /** Files that certainly run as ES modules; the rest may be either. */
  readonly moduleFiles: ReadonlySet<string>;
  /** Whether an interface file names the package. */
  readonly named: boolean;
  /** Whether every file of the consumer was read. */
  readonly complete: boolean;
  /** Whether the compiler could follow members of the package's types. */
  readonly typed: boolean;
};

/** Where the consumer meets a finding. */
export function matchUsage({ finding, match }: Found, evidence: Evidence): Hit {
  const hits = sortedPlaces(placesOf(match, evidence)).filter(
    (place) => finding.rule !== "ts.signature" || !evidence.settled.has(placeKey(place)),
  );
  // What a bundler or Node makes of a file without a format may be spared the loss of CommonJS.
  if (match.by === "require" && hits.length === 0 && !runsAsModules(evidence)) {
    const softer = { ...finding, breaking: "maybe" as const };
    return matchUsage({ finding: softer, match: { by: "package" } }, evidence);
  }
  return {
    finding,
    usage: hits.length > 0 ? "confirmed" : usageWithoutHits(match, evidence),
    hits: hits.slice(0, LIMITS.hitsMax),
  };
}

/** Whether every file that imports the package is an ES module, and so loads ES modules. */
function runsAsModules({ imports, moduleFiles }: Evidence): boolean {
  return imports.length > 0 && imports.every(({ path }) => moduleFiles.has(path));
}

/** Whether the consumer uses the package at all. */
export function overallUsage(evidence: Evidence): Usage {
  return evidence.imports.length > 0 ? "confirmed" : usageWithoutImports(evidence);
}

function placesOf(match: Match, evidence: Evidence): readonly Location[] {
  const imports = evidence.imports.filter(({ name }) => name === "");
  switch (match.by) {
    case "require":
      return imports.filter(
        ({ path, loadedBy }) => loadedBy === "require" || evidence.commonJsFiles.has(path),
      );
    case "subpath":
      return imports.filter(({ subpath }) => subpath === match.subpath);
    case "command":
      return evidence.commandUses(match.command);
    case "symbol":
      return symbolPlaces(match, evidence);
    case "package":
    default:
      return imports;
  }
}

function symbolPlaces(
  { name, aliases = [], subpath, declarations }: Match & { by: "symbol" },
  { imports, symbols, typed }: Evidence,
): Location[] {
  const names = new Set([name, ...aliases].map((one) => importedName(one, typed)));
  return [
    ...imports.filter((use) => use.subpath === subpath && names.has(use.name)),
    ...declarations.flatMap((key) => symbols.get(key) ?? []),
  ];
}

/**
 * The name by which a finding's subject is imported. A member of a namespace comes with it: who
 * imports the namespace need not use the member, and only types tell whether that is so.
 */
function importedName(name: string | null, typed: boolean): string | undefined {
  const [first, ...members] = name?.split(".") ?? [];
  return typed && members.length > 0 ? undefined : first;
}

/** Without a hit: none, unless something stands in the way of seeing one. */
function usageWithoutHits(match: Match, evidence: Evidence): Usage {
  const { imports, typed } = evidence;
  if (imports.length === 0 || match.by === "command") return usageWithoutImports(evidence);
  // How it is imported is seen: that a document names it as well adds nothing.
  if (match.by !== "symbol") return evidence.complete ? "none" : "unknown";
  const escapes = imports.some(({ name, subpath }) => name === "*" && subpath === match.subpath);
  if (escapes || (match.name === null && !typed)) return "likely";
  return evidence.complete ? "none" : "unknown";
}

function usageWithoutImports({ named, complete }: Evidence): Usage {
  if (!complete) return "unknown";
  return named ? "likely" : "none";
}

function sortedPlaces(places: readonly Location[]): Location[] {
  const unique = new Map(places.map(({ path, line }) => [`${path}:${line}`, { path, line }]));
  return [...unique.values()].toSorted(
    (left, right) => compareText(left.path, right.path) || left.line - right.line,
  );
}

function compareText(left: string, right: string): number {
  return left === right ? 0 : left < right ? -1 : 1;
}

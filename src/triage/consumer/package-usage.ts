import { join } from "node:path";
import { withoutEnd } from "../../index.ts";
import {
  type Found,
  type Hit,
  type Location,
  lineKey,
  type Match,
  sortedLocations,
  type Usage,
} from "../facts/finding.ts";
import { parseJsonText } from "../facts/json-text.ts";
import { LIMITS } from "../facts/limits.ts";
import { Fence } from "../reading/fence.ts";
import type { ConsumerFile, ConsumerTree } from "./consumer-files.ts";
import type { ImportUse } from "./imports.ts";
import type { ConsumerProbe } from "./probe.ts";
import type { SymbolUses } from "./symbol-uses.ts";
import { useKey } from "./unaffected-lines.ts";

/** What is known about how the consumer uses the package. */
type Evidence = {
  readonly imports: readonly ImportUse[];
  readonly symbols: SymbolUses;
  /** Keys of lines that the compiler reads alike with both versions. */
  readonly unaffected: ReadonlySet<string>;
  /** Where scripts of the consumer's package.json files run a command. */
  commandUses(command: string): readonly Location[];
  /** Whether an interface file names the package. */
  readonly named: boolean;
  /** Whether every file of the consumer was read. */
  readonly complete: boolean;
  /** Whether the compiler could follow members of the package's types. */
  readonly typed: boolean;
};

/** Where the consumer meets a finding. */
export function matchUsage({ finding, match }: Found, evidence: Evidence): Hit {
  const isTyped = finding.rule.startsWith("ts.");
  const seen = isTyped ? evidence : { ...evidence, unaffected: new Set<string>() };
  const hits = sortedLocations(placesOf(match, seen)).filter(
    (place) => !seen.unaffected.has(lineKey(place)),
  );
  return {
    finding,
    usage: hits.length > 0 ? "confirmed" : usageWithoutHits(match, evidence),
    hits: hits.slice(0, LIMITS.hitsMax),
  };
}

/** Whether the consumer uses the package at all. */
export function overallUsage(evidence: Evidence): Usage {
  return evidence.imports.length > 0 ? "confirmed" : usageWithoutImports(evidence);
}

function placesOf(match: Match, evidence: Evidence): readonly Location[] {
  const imports = evidence.imports.filter(({ name }) => name === "");
  switch (match.by) {
    case "places":
      return match.places;
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
  { imports, symbols, typed, unaffected }: Evidence,
): Location[] {
  const names = new Set([name, ...aliases].map((one) => importedName(one, typed)));
  return [
    ...imports.filter((use) => use.subpath === subpath && names.has(use.name)),
    ...declarations.flatMap((key) =>
      (symbols.get(key) ?? []).filter((place) => !unaffected.has(useKey(key, place))),
    ),
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

type EvidenceParts = {
  readonly tree: ConsumerTree;
  readonly names: readonly string[];
  readonly interfaceFiles: readonly string[];
  readonly imports: readonly ImportUse[];
  readonly probe: ConsumerProbe;
  readonly typed: boolean;
};

/** Everything that says how the consumer uses the package, in one value. */
export function evidenceOf(parts: EvidenceParts): Evidence {
  const { tree, imports, probe } = parts;
  const fence = new Fence([tree.root]);
  const textOf = (path: string): string => fence.readFile(join(tree.root, path)) ?? "";
  return {
    imports,
    symbols: probe.symbols,
    unaffected: probe.unaffected,
    typed: parts.typed,
    // interface_files may list what is not there any more.
    named: parts.interfaceFiles.some((path) => mentions(textOf(path), parts.names)),
    complete: tree.capsHit.length === 0 && probe.capsHit.length === 0,
    commandUses: (command) => commandUses(tree.manifests, command),
  };
}

/** Whole words only: `retry` is not named by a file that says `p-retry`. */
function mentions(text: string, names: readonly string[]): boolean {
  const words = new Set(text.split(/[^\w@/.-]+/).map((word) => withoutEnd(word, "./-")));
  return names.some((name) => words.has(name));
}

/**
 * Where scripts of the consumer's package.json files run a command: as a whole word of a
 * script, so that `retry` is not found in `retry-all`.
 */
function commandUses(manifests: readonly ConsumerFile[], command: string): Location[] {
  return manifests.flatMap(({ path, text }) =>
    scriptsOf(text)
      .filter(([, script]) => script.split(/[\s;&|()]+/).includes(command))
      .map(([name]) => ({ path, line: lineOf(text, JSON.stringify(name)) })),
  );
}

function scriptsOf(text: string): [string, string][] {
  try {
    const value: unknown = parseJsonText(text);
    if (typeof value !== "object" || value === null || !("scripts" in value)) return [];
    return Object.entries(value.scripts ?? {}).filter(
      (entry): entry is [string, string] => typeof entry[1] === "string",
    );
  } catch {
    return []; // a broken package.json runs no script
  }
}

function lineOf(text: string, key: string): number {
  const scripts = text.indexOf('"scripts"');
  const at = text.indexOf(key, scripts);
  return text.slice(0, Math.max(at, 0)).split("\n").length;
}

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
import { LIMITS } from "../facts/limits.ts";
import { Fence } from "../reading/fence.ts";
import type { ConsumerTree } from "./consumer-files.ts";
import type { ImportUse } from "./imports.ts";
import type { ConsumerProbe } from "./probe.ts";
import type { SymbolUses } from "./symbol-uses.ts";
import { commandUses } from "./tool-usage.ts";
import { useKey } from "./unaffected-lines.ts";

/** What is known about how the consumer uses the package. */
type Evidence = {
  /** By code that imports it, and by tools that are told its name. */
  readonly imports: readonly ImportUse[];
  readonly symbols: SymbolUses;
  /** Where the consumer uses what the package declares, imported there or not. */
  readonly seen: readonly Location[];
  /** Keys of lines that the compiler reads alike with both versions. */
  readonly unaffected: ReadonlySet<string>;
  /** Where the consumer runs a command. */
  commandUses(command: string): readonly Location[];
  /** Where it runs any command of the package. */
  readonly commands: readonly Location[];
  /** Whether an interface file names the package. */
  readonly named: boolean;
  /** Whether a package.json of the consumer lists the package. */
  readonly declared: boolean;
  /** Whether every file of the consumer was read. */
  readonly complete: boolean;
  /** Whether the compiler could follow members of the package's types. */
  readonly typed: boolean;
};

/** Where the consumer meets a finding. */
export function matchUsage({ finding, match }: Found, evidence: Evidence): Hit {
  // That the compiler reads a line alike says nothing of a load that Node refuses.
  const isRefused = finding.rule === "ts.export_removed" && finding.proof !== null;
  const isTyped = finding.rule.startsWith("ts.") && !isRefused;
  // What is written in JavaScript runs without declarations.
  const needsTypes = finding.rule === "pkg.types_removed";
  const seen = isTyped ? evidence : { ...evidence, unaffected: new Set<string>() };
  const hits = sortedLocations(placesOf(match, seen)).filter(
    (place) =>
      !seen.unaffected.has(lineKey(place)) && !(needsTypes && /\.[cm]?jsx?$/.test(place.path)),
  );
  return {
    finding,
    usage: hits.length > 0 ? "confirmed" : usageWithoutHits(match, evidence),
    hits: hits.slice(0, LIMITS.hitsMax),
  };
}

/** Whether the consumer uses the package at all. */
export function overallUsage(evidence: Evidence): Usage {
  return isUsed(evidence) ? "confirmed" : usageOfUnused(evidence);
}

function isUsed({ imports, seen, commands }: Evidence): boolean {
  return imports.length + seen.length + commands.length > 0;
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
    default: {
      const named = [...imports, ...evidence.commands];
      return named.length > 0 ? named : evidence.seen;
    }
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
  const { imports, typed, complete } = evidence;
  if (!isUsed(evidence)) return usageOfUnused(evidence);
  // How it is used is seen: that a document names it as well adds nothing.
  if (match.by !== "symbol") return complete ? "none" : "unknown";
  const escapes = imports.some(({ name, subpath }) => name === "*" && subpath === match.subpath);
  if (escapes || (match.name === null && !typed)) return "likely";
  return complete ? "none" : "unknown";
}

/** Of a package that nothing uses as far as is seen: who lists it has it for something. */
function usageOfUnused({ named, declared, complete }: Evidence): Usage {
  if (named && complete) return "likely";
  return declared || !complete ? "unknown" : "none";
}

type EvidenceParts = {
  readonly tree: ConsumerTree;
  readonly names: readonly string[];
  /** Commands of the package, in either version. */
  readonly commands: readonly string[];
  readonly isDeclared: boolean;
  readonly interfaceFiles: readonly string[];
  /** Whether code of the consumer is not in its folder. */
  readonly isCodeLeftOut: boolean;
  readonly imports: readonly ImportUse[];
  readonly probe: ConsumerProbe;
  readonly typed: boolean;
};

/** Everything that says how the consumer uses the package, in one value. */
export function evidenceOf(parts: EvidenceParts): Evidence {
  const { tree, names, imports, probe } = parts;
  const fence = new Fence([tree.root]);
  const textOf = (path: string): string => fence.readFile(join(tree.root, path)) ?? "";
  const commands = commandUses(tree, [...new Set([...parts.commands, ...names])]);
  return {
    imports,
    symbols: probe.symbols,
    seen: probe.seen,
    unaffected: probe.unaffected,
    typed: parts.typed,
    declared: parts.isDeclared,
    // interface_files may list what is not there any more.
    named: parts.interfaceFiles.some((path) => mentions(textOf(path), names)),
    complete: !parts.isCodeLeftOut && tree.capsHit.length + probe.capsHit.length === 0,
    commands,
    commandUses: (command) => commands.filter((use) => use.command === command),
  };
}

/** Whole words only: `retry` is not named by a file that says `p-retry`. */
function mentions(text: string, names: readonly string[]): boolean {
  const words = new Set(text.split(/[^\w@/.-]+/).map((word) => withoutEnd(word, "./-")));
  return names.some((name) => words.has(name));
}

import { join, posix } from "node:path";
import ts from "typescript";
import { withoutEnd } from "../../index.ts";
import type { Found, Hit, Location, Match, Usage } from "../facts/finding.ts";
import { parseJsonText } from "../facts/json-text.ts";
import { LIMITS } from "../facts/limits.ts";
import { Fence } from "../reading/fence.ts";
import type { ConsumerFile, ConsumerTree } from "./consumer-files.ts";
import type { ImportUse } from "./imports.ts";
import type { ConsumerProbe } from "./probe.ts";
import { lineKey, type SymbolUses } from "./symbol-uses.ts";

/** What is known about how the consumer uses the package. */
type Evidence = {
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
    (place) => finding.rule !== "ts.signature" || !evidence.settled.has(lineKey(place)),
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

/** As what a file runs; null where only a bundler, or what the file says, decides. */
type ModuleFormat = "commonjs" | "module" | null;

/**
 * As what a file of the consumer runs: by its extension, by the nearest package.json, by the
 * compiler's `module`. In CommonJS an `import` of another package becomes a `require`.
 */
function moduleFormat(
  path: string,
  manifests: readonly ConsumerFile[],
  { module }: ts.CompilerOptions,
): ModuleFormat {
  if (/\.c[jt]s$/.test(path)) return "commonjs";
  if (/\.m[jt]s$/.test(path) || nearestType(path, manifests) === "module") return "module";
  return writesCommonJs(module) ? "commonjs" : null;
}

/** What the compiler writes where package.json does not say "module". */
function writesCommonJs(module: ts.ModuleKind | undefined): boolean {
  if (module === undefined) return false;
  const isNodes = module >= ts.ModuleKind.Node16 && module <= ts.ModuleKind.NodeNext;
  return isNodes || module === ts.ModuleKind.CommonJS;
}

function nearestType(path: string, manifests: readonly ConsumerFile[]): unknown {
  const above = manifests
    .filter((file) => isAbove(posix.dirname(file.path), path))
    .toSorted((left, right) => right.path.length - left.path.length);
  const nearest = above[0];
  if (nearest === undefined) return undefined;
  try {
    const value: unknown = parseJsonText(nearest.text);
    return typeof value === "object" && value !== null && "type" in value ? value.type : undefined;
  } catch {
    return undefined; // Node takes a file below a broken package.json for CommonJS as well
  }
}

function isAbove(folder: string, path: string): boolean {
  return folder === "." || path.startsWith(`${folder}/`);
}

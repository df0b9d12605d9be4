import { join } from "node:path";
import semver from "semver";
import { type Breaking, type Found, finding } from "../facts/finding.ts";
import { Fence } from "../reading/fence.ts";
import type { PackagePair } from "../sources/npm/installed.ts";
import {
  commandsOf,
  declaredSubpaths,
  hasMap,
  loadsAsCommonJs,
  manifestLine,
  type PackageTree,
  resolveSubpath,
} from "../sources/npm/manifest.ts";

/** Ways into the package that are gone: subpaths, CommonJS, commands. */
export function entryFindings(pair: PackagePair, importedSubpaths: readonly string[]): Found[] {
  return [
    ...removedSubpaths(pair, importedSubpaths),
    ...closedFiles(pair),
    ...lostCommonJs(pair),
    ...removedCommands(pair),
  ];
}

/**
 * What the consumer imports is asked as well as what `exports` lists: a package without
 * `exports` has every file public, and loses most of them on the day it gets a map.
 */
function removedSubpaths({ from, to }: PackagePair, imported: readonly string[]): Found[] {
  const asked = new Set([...declaredSubpaths(from), ...imported]);
  return [...asked]
    .toSorted()
    .filter((subpath) => loadable(from, subpath) !== null && loadable(to, subpath) === null)
    .map((subpath) => ({
      finding: finding({
        rule: "pkg.exports_removed",
        subject: subpath,
        breaking: "yes",
        provider: manifestLine(to.text, "exports"),
        before: loadable(from, subpath),
      }),
      match: { by: "subpath", subpath },
    }));
}

/** A first map closes every file that it does not list; those that are imported are told apart. */
function closedFiles({ from, to }: PackagePair): Found[] {
  if (hasMap(from) || !hasMap(to)) return [];
  return [
    {
      finding: finding({
        rule: "pkg.exports_removed",
        subject: ALL_FILES,
        breaking: "yes",
        provider: manifestLine(to.text, "exports"),
        before: "every file",
      }),
      match: { by: "subpath", subpath: ALL_FILES },
    },
  ];
}

/** No import has this subpath. */
const ALL_FILES = "./*";

function loadable(tree: PackageTree, subpath: string): string | null {
  return resolveSubpath(tree, subpath, "import") ?? resolveSubpath(tree, subpath, "require");
}

function lostCommonJs({ from, to }: PackagePair): Found[] {
  if (!loadsAsCommonJs(from) || loadsAsCommonJs(to)) return [];
  const key = to.manifest.type === "module" ? "type" : "exports";
  return [
    {
      finding: finding({
        rule: "pkg.esm_only",
        subject: to.manifest.name,
        breaking: "yes",
        provider: manifestLine(to.text, key),
        before: "CommonJS",
        after: "ES modules only",
      }),
      match: { by: "require" },
    },
  ];
}

function removedCommands({ from, to }: PackagePair): Found[] {
  const kept = commandsOf(to);
  return commandsOf(from)
    .filter((command) => !kept.includes(command))
    .map((command) => ({
      finding: finding({
        rule: "pkg.bin_removed",
        subject: command,
        breaking: "yes",
        provider: manifestLine(to.text, "bin"),
        before: command,
      }),
      match: { by: "command", command },
    }));
}

/** Engines and peers whose range lets in less than it did, judged for this consumer. */
export function requirementFindings(pair: PackagePair, consumer: PackageTree): Found[] {
  return [...engineFindings(pair, consumer), ...peerFindings(pair, consumer)];
}

function engineFindings({ from, to }: PackagePair, consumer: PackageTree): Found[] {
  const ownEngines = new Map(Object.entries(consumer.manifest.engines));
  const node = nodeRange(consumer);
  if (node !== undefined) ownEngines.set("node", node);
  return Object.entries(to.manifest.engines)
    .filter(([engine, range]) => narrowed(from.manifest.engines[engine], range))
    .map(([engine, range]) => ({
      finding: finding({
        rule: "pkg.engines",
        trigger: "deployment",
        subject: engine,
        breaking: verdictOn(ownEngines.get(engine), range),
        provider: manifestLine(to.text, "engines"),
        before: from.manifest.engines[engine] ?? null,
        after: range,
      }),
      match: { by: "package" },
    }));
}

function peerFindings({ from, to }: PackagePair, { manifest: consumer }: PackageTree): Found[] {
  const installed = {
    ...consumer.peerDependencies,
    ...consumer.devDependencies,
    ...consumer.dependencies,
  };
  return Object.entries(to.manifest.peerDependencies)
    .filter(([peer, range]) => narrowed(from.manifest.peerDependencies[peer], range))
    .filter(([peer]) => !(to.manifest.peerDependenciesMeta[peer]?.optional && !installed[peer]))
    .map(([peer, range]) => ({
      finding: finding({
        rule: "pkg.peer_narrowed",
        subject: peer,
        breaking: verdictOn(installed[peer], range),
        provider: manifestLine(to.text, "peerDependencies"),
        before: from.manifest.peerDependencies[peer] ?? null,
        after: range,
      }),
      match: { by: "package" },
    }));
}

/** Whether something that the old range let in is outside of the new one. No range: anything. */
function narrowed(before: string | undefined, after: string): boolean {
  if (semver.validRange(after) === null) return before !== after;
  if (before === undefined || semver.validRange(before) === null) return after !== "*";
  return !semver.subset(before, after);
}

/** The consumer's own range says whether the narrowing reaches it; without one nobody knows. */
function verdictOn(own: string | undefined, required: string): Breaking {
  if (own === undefined) return "maybe";
  if (semver.validRange(own) === null || semver.validRange(required) === null) return "maybe";
  if (semver.subset(own, required)) return "no";
  return "yes";
}

/** Where a project writes down its Node for version managers. */
const PINS = [".nvmrc", ".node-version"];

/**
 * The versions of Node that a project says it runs on: its `engines`, else what version managers
 * read. Undefined if nothing says so, or only a name such as `lts/*`.
 */
function nodeRange({ manifest, directory }: PackageTree): string | undefined {
  if (manifest.engines["node"] !== undefined) return manifest.engines["node"];
  const fence = new Fence([directory]);
  return PINS.map((file) => firstLine(fence.readFile(join(directory, file)) ?? "")).find(
    (line) => line !== "" && semver.validRange(line) !== null,
  );
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0]?.trim() ?? "";
}

/** What is known of the two versions when their numbers are judged. */
type KnownFindings = {
  readonly found: readonly Found[];
  /** Whether all of their types were compared, so that little can have escaped. */
  readonly compared: boolean;
};

/**
 * The step of the version number: maybe breaking where semver allows it to be, and nothing
 * else says what for. A major that is known to break something, or to want a newer Node, has
 * told its reason; what of it the consumer meets is for those findings. One without a reason
 * in sight changes what things do, which no comparison shows.
 */
export function versionFindings({ from, to }: PackagePair, known: KnownFindings): Found[] {
  const before = from.manifest.version;
  const after = to.manifest.version;
  if (before === after) return [];
  return [
    {
      finding: finding({
        rule: "pkg.version",
        subject: to.manifest.name,
        breaking: mayBreak(before, after) && !isExplained(known) ? "maybe" : "no",
        provider: manifestLine(to.text, "version"),
        before,
        after,
      }),
      match: { by: "package" },
    },
  ];
}

/** Outside of the caret range: a major step, in 0.x a minor one, or a way back. */
export function mayBreak(before: string, after: string): boolean {
  return !semver.satisfies(after, `^${before}`, { includePrerelease: true });
}

function isExplained({ found, compared }: KnownFindings): boolean {
  return (
    compared &&
    found.some(({ finding: { breaking, rule } }) => breaking !== "no" || REQUIREMENTS.has(rule))
  );
}

/** Narrowed for somebody, whether or not for this consumer. */
const REQUIREMENTS = new Set(["pkg.engines", "pkg.peer_narrowed"]);

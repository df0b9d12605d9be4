import { join } from "node:path";
import semver from "semver";
import {
  type Breaking,
  type Finding,
  type Found,
  finding,
  type Location,
} from "../facts/finding.ts";
import { Fence } from "../reading/fence.ts";
import type { PackagePair } from "../sources/npm/installed.ts";
import {
  commandsOf,
  declaredSubpaths,
  entryLine,
  hasMap,
  manifestLine,
  type PackageTree,
  resolveSubpath,
} from "../sources/npm/manifest.ts";
import { isRangeWithin } from "../sources/npm/ranges.ts";

/** Ways into the package that are gone: subpaths, CommonJS, commands. */
export function entryFindings(pair: PackagePair, importedSubpaths: readonly string[]): Found[] {
  return [
    ...removedSubpaths(pair, importedSubpaths),
    ...closedFiles(pair),
    ...removedCommands(pair),
  ];
}

/**
 * What the consumer imports is asked as well as what `exports` lists: a package without
 * `exports` has every file public, and loses most of them on the day it gets a map.
 */
function removedSubpaths({ from, to }: PackagePair, imported: readonly string[]): Found[] {
  const subpaths = new Set([...declaredSubpaths(from), ...imported]);
  return [...subpaths]
    .toSorted()
    .filter((subpath) => loadable(from, subpath) !== null && loadable(to, subpath) === null)
    .map((subpath) => ({
      finding: finding({
        rule: "pkg.exports_removed",
        subject: subpath,
        breaking: "yes",
        provider: manifestLine(to.text, "exports"),
        before: loadable(from, subpath),
        own: to.manifest.name + subpath.slice(1),
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
        proof: { by: "node", text: `"bin" of ${to.manifest.version} has no \`${command}\`` },
      }),
      match: { by: "command", command },
    }));
}

/**
 * Engines and peers whose range lets in less than it did, held against the consumer's own, at the
 * line of its package.json that names it.
 */
export function requirementFindings(pair: PackagePair, consumer: PackageTree): Found[] {
  return [...engineFindings(pair, consumer), ...peerFindings(pair, consumer)];
}

function engineFindings({ from, to }: PackagePair, consumer: PackageTree): Found[] {
  return Object.entries(to.manifest.engines)
    .filter(([engine, range]) => narrowed(from.manifest.engines[engine], range))
    .map(([engine, range]) => {
      const own = ownEngine(consumer, engine);
      return requirement({
        rule: "pkg.engines",
        trigger: "deployment",
        subject: engine,
        // Who states no engine has nothing to change: it is for their information.
        breaking: own === null ? "no" : verdictOn(own.range, range),
        provider: manifestLine(to.text, "engines"),
        before: from.manifest.engines[engine] ?? null,
        after: range,
        own,
      });
    });
}

function peerFindings({ from, to }: PackagePair, consumer: PackageTree): Found[] {
  return Object.entries(to.manifest.peerDependencies)
    .filter(([peer, range]) => narrowed(from.manifest.peerDependencies[peer], range))
    .map(([peer, range]) => ({ peer, range, own: ownDependency(consumer, peer) }))
    .filter(({ peer, own }) => own !== null || !isOptionalPeer(to, peer))
    .map(({ peer, range, own }) =>
      requirement({
        rule: "pkg.peer_narrowed",
        trigger: "api_contract",
        subject: peer,
        breaking: own === null ? "maybe" : verdictOn(own.range, range),
        provider: manifestLine(to.text, "peerDependencies"),
        before: from.manifest.peerDependencies[peer] ?? null,
        after: range,
        own,
      }),
    );
}

function isOptionalPeer({ manifest }: PackageTree, peer: string): boolean {
  return manifest.peerDependenciesMeta[peer]?.optional === true;
}

/** A range of the consumer's, and where it stands. */
type OwnRange = { readonly range: string; readonly place: Location };

type Requirement = Pick<
  Finding,
  "rule" | "trigger" | "subject" | "breaking" | "provider" | "before"
> & { readonly after: string; readonly own: OwnRange | null };

function requirement({ own, ...parts }: Requirement): Found {
  const { subject, breaking, after } = parts;
  const outside = own === null ? "" : `${own.range} is not within ${after}`;
  return {
    finding: finding({
      ...parts,
      own: own?.range ?? null,
      proof: breaking === "yes" ? { by: "node", text: `${subject}: ${outside}` } : null,
    }),
    match: own === null ? { by: "package" } : { by: "places", places: [own.place] },
  };
}

function ownEngine(consumer: PackageTree, engine: string): OwnRange | null {
  const stated = consumer.manifest.engines[engine];
  if (stated !== undefined) return { range: stated, place: entryLine(consumer, "engines", engine) };
  return engine === "node" ? pinnedNode(consumer) : null;
}

const DEPENDENCY_KEYS = ["dependencies", "devDependencies", "peerDependencies"] as const;

function ownDependency(consumer: PackageTree, name: string): OwnRange | null {
  for (const key of DEPENDENCY_KEYS) {
    const range = consumer.manifest[key][name];
    if (range !== undefined) return { range, place: entryLine(consumer, key, name) };
  }
  return null;
}

/** Whether something that the old range let in is outside of the new one. No range: anything. */
function narrowed(before: string | undefined, after: string): boolean {
  if (semver.validRange(after) === null) return before !== after;
  if (before === undefined || semver.validRange(before) === null) return after !== "*";
  return isRangeWithin(before, after) === false;
}

/** The consumer's own range says whether the narrowing reaches it. */
function verdictOn(own: string, required: string): Breaking {
  const isMet = isRangeWithin(own, required);
  if (isMet === null) return "maybe";
  return isMet ? "no" : "yes";
}

/** Where a project writes down its Node for version managers. */
const PINS = [".nvmrc", ".node-version"];

/**
 * The versions of Node that a project says it runs on: its `engines`, else what version managers
 * read. Null if nothing says so, or only a name such as `lts/*`.
 */
export function nodeRange(consumer: PackageTree): string | null {
  return ownEngine(consumer, "node")?.range ?? null;
}

function pinnedNode({ directory }: PackageTree): OwnRange | null {
  const fence = new Fence([directory]);
  for (const path of PINS) {
    const range = firstLine(fence.readFile(join(directory, path)) ?? "");
    if (range !== "" && semver.validRange(range) !== null)
      return { range, place: { path, line: 1 } };
  }
  return null;
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0]?.trim() ?? "";
}

/** Outside of the caret range: a major step, in 0.x a minor one, or a way back. */
export function mayBreak(before: string, after: string): boolean {
  return !semver.satisfies(after, `^${before}`, { includePrerelease: true });
}

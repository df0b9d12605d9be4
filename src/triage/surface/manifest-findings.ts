import semver from "semver";
import { type Breaking, type Finding, type Found, finding, lineKey } from "../facts/finding.ts";
import type { OwnRanges, StatedRange } from "../facts/own-ranges.ts";
import type { PackagePair } from "../sources/npm/installed.ts";
import {
  commandsOf,
  declaredSubpaths,
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
 * lines that state it.
 */
export function requirementFindings(pair: PackagePair, consumer: OwnRanges): Found[] {
  return [...engineFindings(pair, consumer), ...peerFindings(pair, consumer)];
}

function engineFindings({ from, to }: PackagePair, consumer: OwnRanges): Found[] {
  return Object.entries(to.manifest.engines)
    .filter(([engine, range]) => narrowed(from.manifest.engines[engine], range))
    .map(([engine, range]) => {
      const stated = gravest(consumer.engine(engine), range);
      const run = engine === "node" ? consumer.running.filter((one) => isOutside(one, range)) : [];
      // Who states no engine has nothing to change: it is for their information.
      const { breaking, own } =
        stated.breaking === "no" && run.length > 0
          ? { breaking: "maybe" as const, own: run }
          : stated;
      return requirement({
        rule: "pkg.engines",
        trigger: "deployment",
        subject: engine,
        breaking,
        provider: manifestLine(to.text, "engines"),
        before: from.manifest.engines[engine] ?? null,
        after: range,
        own,
      });
    });
}

function peerFindings({ from, to }: PackagePair, consumer: OwnRanges): Found[] {
  return Object.entries(to.manifest.peerDependencies)
    .filter(([peer, range]) => narrowed(from.manifest.peerDependencies[peer], range))
    .map(([peer, range]) => ({ peer, range, ...gravest(consumer.dependency(peer), range) }))
    .filter(({ peer, own }) => own.length > 0 || !isOptionalPeer(to, peer))
    .map(({ peer, range, own, breaking }) =>
      requirement({
        rule: "pkg.peer_narrowed",
        trigger: "api_contract",
        subject: peer,
        breaking: own.length === 0 ? "maybe" : breaking,
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

type Requirement = Pick<
  Finding,
  "rule" | "trigger" | "subject" | "breaking" | "provider" | "before"
> & { readonly after: string; readonly own: readonly StatedRange[] };

function requirement({ own, ...parts }: Requirement): Found {
  const { subject, breaking, after } = parts;
  const [first] = own;
  const places = own.map(({ place }) => place);
  const outside =
    first === undefined ? "" : `${first.range} (${lineKey(first.place)}) is not within ${after}`;
  return {
    finding: finding({
      ...parts,
      own: first === undefined ? null : [...new Set(own.map(({ range }) => range))].join(", "),
      proof: breaking === "yes" ? { by: "node", text: `${subject}: ${outside}` } : null,
    }),
    match: first === undefined ? { by: "package" } : { by: "places", places },
  };
}

/** The verdict on the consumer's ranges, and those that it is of; "no" where there are none. */
function gravest(
  own: readonly StatedRange[],
  required: string,
): { readonly breaking: Breaking; readonly own: readonly StatedRange[] } {
  const judged = Map.groupBy(own, (one) => verdictOn(one, required));
  const breaking = (["yes", "maybe", "no"] as const).find((one) => judged.has(one)) ?? "no";
  return { breaking, own: judged.get(breaking) ?? [] };
}

/** Whether something that the old range let in is outside of the new one. No range: anything. */
function narrowed(before: string | undefined, after: string): boolean {
  if (semver.validRange(after) === null) return before !== after;
  if (before === undefined || semver.validRange(before) === null) return after !== "*";
  return isRangeWithin(before, after) === false;
}

/**
 * The consumer's own range says whether the narrowing reaches it. Of a version of which only the
 * first numbers are written down, the one that is installed may be new enough.
 */
function verdictOn(own: StatedRange, required: string): Breaking {
  const isMet = isRangeWithin(own.range, required);
  if (isMet === null) return "maybe";
  if (isMet) return "no";
  return own.isPin && !isOutside(own, required) ? "maybe" : "yes";
}

/** Whether no version of the range is let in. */
function isOutside({ range }: StatedRange, required: string): boolean {
  return semver.validRange(required) !== null && !semver.intersects(range, required);
}

/** The versions of Node that a consumer says it runs the package on; null if nothing says so. */
export function nodeRange(consumer: OwnRanges): string | null {
  const stated = consumer.engine("node").map(({ range }) => range);
  return stated.length === 0 ? null : stated.join(" || ");
}

/** Outside of the caret range: a major step, in 0.x a minor one, or a way back. */
export function mayBreak(before: string, after: string): boolean {
  return !semver.satisfies(after, `^${before}`, { includePrerelease: true });
}

import { type Found, finding } from "../finding.ts";
import type { PackagePair } from "./locate.ts";
import type { PackageTree } from "./manifest.ts";
import { manifestLine } from "./manifest-line.ts";
import { declaredSubpaths, hasMap, loadsAsCommonJs, resolveSubpath } from "./subpaths.ts";

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

function commandsOf({ manifest }: PackageTree): string[] {
  if (manifest.bin === undefined) return [];
  if (typeof manifest.bin === "string") return [manifest.name.replace(/^@[^/]*\//, "")];
  return Object.keys(manifest.bin).toSorted();
}

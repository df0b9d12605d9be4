/**
 * What a consumer states of engines and dependencies where it uses a package: the package.json and
 * version files of the workspaces that do, then those of the folders above.
 */
import { posix } from "node:path";
import semver from "semver";
import { isDockerfile } from "../facts/file-kinds.ts";
import type { Location } from "../facts/finding.ts";
import type { OwnRanges, StatedRange } from "../facts/own-ranges.ts";
import { Fence } from "../reading/fence.ts";
import { entryLine, type PackageTree } from "../sources/npm/manifest.ts";
import type { ConsumerFile, ConsumerTree } from "./consumer-files.ts";
import { declaredRange, rangeSourcesOf } from "./declared-ranges.ts";
import { dependenciesOn, packageTreesBelow } from "./exposure.ts";
import { jsonObjectIn, objectIn } from "./settings-values.ts";

/** `users` are files that use the package, by their paths. */
export function ownRanges(
  tree: ConsumerTree,
  { root, name, users }: { root: PackageTree; name: string; users: readonly string[] },
): OwnRanges {
  const manifests = new Map([["", root], ...packageTreesBelow(tree)]);
  const all = [...manifests.values()].map(({ manifest }) => manifest);
  const sources = rangeSourcesOf(new Fence([tree.root]), tree.root, all);
  const lists = [...manifests].flatMap(([folder, { manifest }]) =>
    dependenciesOn(name, manifest, sources).length > 0 ? [folder] : [],
  );
  const using = users.map((path) => foldersAbove(path).find((folder) => manifests.has(folder)));
  const folders = [...new Set([...lists, ...using.map((folder) => folder ?? "")])].toSorted();
  const nearest = (stated: (folder: string) => StatedRange | null): StatedRange[] => {
    const found = (folders.length === 0 ? [""] : folders).flatMap((folder) => {
      const above = [folder, ...(folder === "" ? [] : foldersAbove(folder))];
      return above.map(stated).find((one) => one !== null) ?? [];
    });
    return [...new Map(found.map((one) => [`${one.place.path}:${one.place.line}`, one])).values()];
  };
  const files = new Map(tree.settings.map((file) => [file.path, file.text]));
  return {
    engine: (engine) =>
      nearest((folder) => engineIn(folder, engine, { manifest: manifests.get(folder), files })),
    dependency: (key) =>
      nearest((folder) => {
        const manifest = manifests.get(folder);
        const written = manifest === undefined ? null : dependencyIn(manifest, key);
        if (written === null) return null;
        const range = declaredRange(key, written.range, sources).replace(ALIAS, "");
        return { range, place: below(folder, written.place), isPin: false };
      }),
    running: tree.settings.flatMap((file) => [...nodesInWorkflow(file), ...nodesInImages(file)]),
  };
}

/** `npm:other@` of `npm:other@^1`: npm holds what it installs by the name against a peer's range. */
const ALIAS = /^npm:@?[^@]+@/;

/** The folders that a path lies in, the nearest first, the root "" last. */
function foldersAbove(path: string): string[] {
  const parent = posix.dirname(path);
  return parent === "." ? [""] : [parent, ...foldersAbove(parent)];
}

function below(folder: string, { path, line }: Location): Location {
  return { path: posix.join(folder, path), line };
}

const DEPENDENCY_KEYS = ["dependencies", "devDependencies", "peerDependencies"] as const;

function dependencyIn(tree: PackageTree, name: string): { range: string; place: Location } | null {
  for (const key of DEPENDENCY_KEYS) {
    const range = tree.manifest[key][name];
    if (range !== undefined) return { range, place: entryLine(tree, key, name) };
  }
  return null;
}

type Folder = {
  readonly manifest: PackageTree | undefined;
  readonly files: ReadonlyMap<string, string>;
};

/** What one folder says of an engine: package.json first, then the files of version managers. */
function engineIn(folder: string, engine: string, at: Folder): StatedRange | null {
  const { manifest, files } = at;
  const stated = manifest?.manifest.engines[engine];
  if (manifest !== undefined && stated !== undefined) {
    const place = below(folder, entryLine(manifest, "engines", engine));
    return { range: stated, place, isPin: false };
  }
  const said = [
    ...(manifest === undefined ? [] : [developedOn(manifest, engine)]),
    ...(engine === "node" ? pinsIn(folder, files) : []),
  ].filter((one) => one !== null);
  const [first] = said.filter(({ range }) => isVersion(range) || semver.validRange(range) !== null);
  return first === undefined ? null : { ...first, place: placeIn(folder, first.place) };
}

function placeIn(folder: string, place: Location): Location {
  return place.path === "package.json" ? below(folder, place) : place;
}

/** `volta.node`, and `devEngines.runtime`, which is one entry or several. */
function developedOn(tree: PackageTree, engine: string): StatedRange | null {
  const fields = jsonObjectIn(tree.text) ?? {};
  const pinned = objectIn(fields["volta"])?.[engine];
  if (typeof pinned === "string" && isVersion(pinned)) {
    return { range: pinned, place: entryLine(tree, "volta", engine), isPin: true };
  }
  const runtimes = [objectIn(fields["devEngines"])?.["runtime"]].flat().map((one) => objectIn(one));
  const range = runtimes.find((one) => one?.["name"] === engine)?.["version"];
  if (typeof range !== "string" || semver.validRange(range) === null) return null;
  return { range, place: entryLine(tree, "devEngines", "version"), isPin: false };
}

/** Where a project writes down its Node for version managers. */
function pinsIn(folder: string, files: ReadonlyMap<string, string>): StatedRange[] {
  const [nvm, node, tools] = [".nvmrc", ".node-version", ".tool-versions"].map((name) => {
    const path = posix.join(folder, name);
    return linesOf({ path, text: files.get(path) ?? "" });
  });
  const listed = (tools ?? []).flatMap(({ text, place }) => {
    const [tool, version = ""] = text.split(/\s+/);
    return tool === "nodejs" || tool === "node" ? [{ text: version, place }] : [];
  });
  return [nvm?.[0], node?.[0], listed[0]]
    .filter((one) => one !== undefined)
    .flatMap(({ text, place }) => (isVersion(text) ? [{ range: text, place, isPin: true }] : []));
}

/** The lines that say something, without comments. */
function linesOf({ path, text }: ConsumerFile): { text: string; place: Location }[] {
  return text
    .split("\n")
    .map((line, index) => ({
      text: (line.split("#", 1)[0] ?? "").trim(),
      place: { path, line: index + 1 },
    }))
    .filter((line) => line.text !== "");
}

/** `v18.17.0`, `18`, `18.x`, and not `lts/*`. */
function isVersion(text: string): boolean {
  return /^v?\d+(?:\.(?:\d+|x)){0,2}$/.test(text);
}

/** `node-version: 18`, `node: [18, 20]` of a matrix, and lists with an entry a line. */
function nodesInWorkflow(file: ConsumerFile): StatedRange[] {
  if (!/^\.github\/workflows\/[^/]+\.ya?ml$/.test(file.path)) return [];
  let isList = false;
  return linesOf(file).flatMap(({ text, place }) => {
    const line = text.replace(/^-\s*/, "");
    const value = /^["']?node(?:js)?(?:[-_]?versions?)?["']?:(.*)$/.exec(line)?.[1];
    const isEntry = value === undefined && isList && text.startsWith("-");
    isList = value?.trim() === "" || isEntry;
    const written = value ?? (isEntry ? line : "");
    const versions = written.split(/[[\],\s"']+/).filter(isVersion);
    return versions.map((range) => ({ range, place, isPin: true }));
  });
}

/** `FROM node:18-alpine`. */
function nodesInImages(file: ConsumerFile): StatedRange[] {
  if (!isDockerfile(file.path)) return [];
  return linesOf(file).flatMap(({ text, place }) => {
    const [from = "", ...rest] = text.split(/\s+/);
    const image = from.toUpperCase() === "FROM" ? rest.find((one) => !one.startsWith("--")) : "";
    const range = /^(?:docker\.io\/)?(?:library\/)?node:(\d+(?:\.\d+){0,2})(?:[-@]|$)/.exec(
      image ?? "",
    )?.[1];
    return range === undefined ? [] : [{ range, place, isPin: true }];
  });
}

/**
 * What a consumer states of engines and dependencies where it uses a package: the package.json and
 * version files of the workspaces that do, then those of the folders above.
 */
import { posix } from "node:path";
import semver from "semver";
import { isCompose, isDockerfile } from "../facts/file-kinds.ts";
import { type Location, lineKey } from "../facts/finding.ts";
import type { OwnRanges, StatedRange } from "../facts/own-ranges.ts";
import { Fence } from "../reading/fence.ts";
import { readToml } from "../reading/read-document.ts";
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
    running: runningIn(tree, manifests),
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
  const found = PIN_FILES.flatMap((name) => {
    const path = posix.join(folder, name);
    return pinsOf({ path, text: files.get(path) ?? "" }).slice(0, 1);
  });
  return found.map(({ text, place }) => ({ range: text, place, isPin: true }));
}

const PIN_FILES = [
  ".nvmrc",
  ".node-version",
  ".tool-versions",
  "mise.toml",
  ".mise.toml",
  "mise/config.toml",
  ".mise/config.toml",
  ".config/mise.toml",
  ".config/mise/config.toml",
];

type Said = { readonly text: string; readonly place: Location };

/** The versions of Node that a file of a version manager names. */
function pinsOf(file: ConsumerFile): Said[] {
  if (file.path.endsWith(".toml")) return pinsInToml(file);
  const lines = linesOf(file);
  if (!file.path.endsWith(".tool-versions")) {
    return lines.slice(0, 1).filter(({ text }) => isVersion(text));
  }
  return lines.flatMap(({ text, place }) => {
    const [tool, ...versions] = text.split(/\s+/);
    const isNode = tool === "nodejs" || tool === "node";
    return isNode ? versions.filter(isVersion).map((version) => ({ text: version, place })) : [];
  });
}

/** `node` of `[tools]`, as mise reads it: a version, several, or a table with one. */
function pinsInToml(file: ConsumerFile): Said[] {
  const given = objectIn(readToml(file.text)?.["tools"]);
  const name = ["node", "nodejs"].find((one) => given?.[one] !== undefined) ?? "node";
  const line = linesOf(file).find(({ text }) => /^(?:tools\.)?["']?node(?:js)?\b/.test(text));
  const place = line?.place ?? { path: file.path, line: 1 };
  return [given?.[name]].flat().flatMap((one) => {
    const version: unknown = objectIn(one)?.["version"] ?? one;
    return typeof version === "string" && isVersion(version) ? [{ text: version, place }] : [];
  });
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

/** What a consumer is run on elsewhere than where it states it: by workflows, and in images. */
function runningIn(tree: ConsumerTree, manifests: ReadonlyMap<string, PackageTree>): StatedRange[] {
  const files = new Map(tree.settings.map((file) => [file.path, file.text]));
  const found = tree.settings.flatMap((file) => [
    ...nodesInWorkflow(file),
    ...namedFiles(file).flatMap((path) => nodesIn(path, { files, manifests })),
    ...nodesInImages(file),
  ]);
  return [...new Map(found.map((one) => [`${lineKey(one.place)} ${one.range}`, one])).values()];
}

function isWorkflow(path: string): boolean {
  return /^\.(?:github|gitea|forgejo)\/workflows\/[^/]+\.ya?ml$/.test(path);
}

/** `node-version: 18`, `node: [18, 20]` of a matrix, and lists with an entry a line. */
function nodesInWorkflow(file: ConsumerFile): StatedRange[] {
  if (!isWorkflow(file.path)) return [];
  let isList = false;
  return linesOf(file).flatMap(({ text, place }) => {
    const line = text.replace(/^-\s*/, "");
    const value = /^["']?node(?:js)?(?:[-_]?versions?)?["']?:(.*)$/i.exec(line)?.[1];
    const isEntry = value === undefined && isList && text.startsWith("-");
    isList = value?.trim() === "" || isEntry;
    const written = value ?? (isEntry ? line : "");
    const versions = written.split(/[[\],\s"']+/).filter(isVersion);
    return versions.map((range) => ({ range, place, isPin: true }));
  });
}

/** The files that `node-version-file` of a workflow names, from the root. */
function namedFiles(file: ConsumerFile): string[] {
  if (!isWorkflow(file.path)) return [];
  return linesOf(file).flatMap(({ text }) => {
    const path = /^(?:-\s*)?node-version-file:\s*["']?([^\s"']+)/.exec(text)?.[1];
    return path === undefined ? [] : [posix.normalize(path)];
  });
}

type Known = {
  readonly files: ReadonlyMap<string, string>;
  readonly manifests: ReadonlyMap<string, PackageTree>;
};

/** The Node in a file that a workflow names, as actions/setup-node reads it. */
function nodesIn(path: string, { files, manifests }: Known): StatedRange[] {
  if (posix.basename(path) !== "package.json") {
    return pinsOf({ path, text: files.get(path) ?? "" }).map(({ text, place }) => ({
      range: text,
      place,
      isPin: true,
    }));
  }
  const folder = posix.dirname(path) === "." ? "" : posix.dirname(path);
  const manifest = manifests.get(folder);
  const stated =
    manifest === undefined ? null : engineIn(folder, "node", { manifest, files: new Map() });
  return stated === null ? [] : [stated];
}

/** The image of a stage, a service, a job: the names of Node's own that registries and CI have. */
const NODE_IMAGE =
  /^(?:[\w.-]+\/)*(?:node|nodejs|typescript-node|javascript-node):(?:\d+-)?v?(\d+(?:\.\d+){0,2})(?:[-@]|$)/;
const OFFICIAL =
  /^(?:docker\.io\/|public\.ecr\.aws\/docker\/|mirror\.gcr\.io\/)?(?:library\/|cimg\/|circleci\/)?node:/;
const OF_NODE =
  /^(?:gcr\.io\/distroless\/nodejs|mcr\.microsoft\.com\/(?:vscode\/)?devcontainers\/)/;

/** `FROM node:18-alpine`, with `ARG`s in it; `image: node:18` and `container: node:18` of YAML. */
function nodesInImages(file: ConsumerFile): StatedRange[] {
  const isRun =
    isWorkflow(file.path) || isCompose(file.path) || /^\.gitlab-ci\.ya?ml$/.test(file.path);
  if (!isDockerfile(file.path) && !isRun && file.path !== ".circleci/config.yml") return [];
  const given = new Map<string, string>();
  return linesOf(file).flatMap(({ text, place }) => {
    const [, name = "", value = ""] = /^ARG\s+(\w+)=["']?([^\s"']*)/i.exec(text) ?? [];
    if (name !== "") given.set(name, value);
    const image = isDockerfile(file.path) ? imageFrom(text) : imageNamed(text);
    const range = nodeOf(
      image.replace(VARIABLE, (_, one: string, or = "") => given.get(one) ?? or),
    );
    return range === null ? [] : [{ range, place, isPin: true }];
  });
}

/** `${NODE_VERSION}`, `$NODE_VERSION` and `${NODE_VERSION:-18}`. */
const VARIABLE = /\$\{?(\w+)(?::-([^}]*))?\}?/g;

function imageFrom(text: string): string {
  const [from = "", ...rest] = text.split(/\s+/);
  return from.toUpperCase() === "FROM" ? (rest.find((one) => !one.startsWith("--")) ?? "") : "";
}

function imageNamed(text: string): string {
  return /^(?:-\s*)?(?:image|container):\s*["']?([^\s"']+)/.exec(text)?.[1] ?? "";
}

function nodeOf(image: string): string | null {
  const distroless = /^gcr\.io\/distroless\/nodejs(\d+)(?:-|$)/.exec(image)?.[1];
  if (distroless !== undefined) return distroless;
  const range = NODE_IMAGE.exec(image)?.[1];
  return range !== undefined && (OFFICIAL.test(image) || OF_NODE.test(image)) ? range : null;
}

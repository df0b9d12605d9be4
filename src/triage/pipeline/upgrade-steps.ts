import { readdir } from "node:fs/promises";
import { dirname, join, relative } from "node:path/posix";
import { isRecord, withoutMark } from "../../index.ts";
import { isNoise } from "../facts/file-kinds.ts";
import { LIMITS } from "../facts/limits.ts";
import { Fence } from "../reading/fence.ts";
import { code, shellWord } from "../verdict/shown.ts";

/** How a consumer installs packages and checks its code, as far as its upgrade of one needs. */
export type ConsumerSetup = {
  readonly manager: Manager;
  /** What adds a package to the root of a workspace, where the manager wants to be told. */
  readonly rootFlag: string | null;
  /** Folders whose package.json names the package, "" for the root; sorted. */
  readonly folders: readonly DependingFolder[];
};

type Manager = "npm" | "pnpm" | "yarn" | "bun";

type DependingFolder = {
  readonly folder: string;
  /** The name that it gives the package: its own, or an alias, `"retry": "npm:p-retry@^6"`. */
  readonly alias: string | null;
  /** The part of package.json that it stands in. */
  readonly section: string;
  /** The range is written down once, in a catalog of the repository. */
  readonly isInCatalog: boolean;
  /** The nearest tsconfig, from the root; null: none, and nothing to compile. */
  readonly tsconfig: string | null;
  /** Whether it compiles nothing itself, and others that it refers to. */
  readonly isSolution: boolean;
  readonly hasTests: boolean;
};

/** Folders of a repository that are looked at, and manifests of it that are read. */
const FOLDERS_MAX = 5_000;
const MANIFESTS_MAX = 200;

/**
 * Read how a consumer depends on a package. What is not there, or does not parse, leaves the
 * defaults: npm, and the root.
 */
export async function readConsumerSetup(
  root: string,
  packageName: string,
  signal: AbortSignal,
): Promise<ConsumerSetup> {
  const fence = new Fence([root], { bytesMax: LIMITS.fileBytesMax });
  const read = (path: string): Json => objectIn(fence.readFile(join(root, path)));
  const names = await namesByFolder(root, signal);
  const manifest = read("package.json");
  const folders = [...names]
    .filter(([, found]) => found.includes("package.json"))
    .slice(0, MANIFESTS_MAX)
    .flatMap(([folder]): DependingFolder[] => {
      const own = folder === "" ? manifest : read(join(folder, "package.json"));
      const listed = listedIn(own, packageName);
      if (listed === null) return [];
      const tsconfig = nearestTsconfig(folder, names);
      return [
        {
          folder,
          alias: listed.key === packageName ? null : listed.key,
          section: listed.section,
          isInCatalog: listed.spec.startsWith("catalog:"),
          tsconfig,
          isSolution: tsconfig !== null && isSolution(fence.readFile(join(root, tsconfig)) ?? ""),
          hasTests: typeof objectOf(own["scripts"])["test"] === "string",
        },
      ];
    });
  const files = names.get("") ?? [];
  const manager = managerOf(manifest["packageManager"], files);
  return {
    manager,
    rootFlag: rootFlagOf(manager, manifest, files),
    folders: folders.toSorted((left, right) => (left.folder < right.folder ? -1 : 1)),
  };
}

type Json = Readonly<Record<string, unknown>>;

function objectIn(text: string | undefined): Json {
  try {
    return objectOf(JSON.parse(withoutMark(text ?? "")));
  } catch {
    return {};
  }
}

function objectOf(value: unknown): Json {
  return isRecord(value) ? value : {};
}

/** Names of files by folder, outside of what is installed or hidden. */
async function namesByFolder(root: string, signal: AbortSignal): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  const open = [""];
  for (let folder = open.shift(); folder !== undefined; folder = open.shift()) {
    signal.throwIfAborted();
    if (found.size >= FOLDERS_MAX) break;
    const entries = await readdir(join(root, folder), { withFileTypes: true }).catch(() => []);
    found.set(
      folder,
      entries
        .filter((entry) => entry.isFile())
        .map(({ name }) => name)
        .toSorted(),
    );
    const inner = entries
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
      .map(({ name }) => (folder === "" ? name : `${folder}/${name}`))
      .filter((path) => !isNoise(`${path}/`));
    open.push(...inner.toSorted());
  }
  return found;
}

/** A package that a library is used with is installed for its development. */
const SECTIONS = ["dependencies", "optionalDependencies", "devDependencies", "peerDependencies"];

type Listed = { readonly section: string; readonly key: string; readonly spec: string };

/** Where a package is listed: the first section that has it; null: it is not named. */
function listedIn(manifest: Json, packageName: string): Listed | null {
  for (const section of SECTIONS) {
    for (const [key, spec] of Object.entries(objectOf(manifest[section]))) {
      if (typeof spec !== "string") continue;
      if (key === packageName || spec.startsWith(`npm:${packageName}@`)) {
        return { section, key, spec };
      }
    }
  }
  return null;
}

/**
 * `{ "files": [], "references": [...] }`: `tsc` looks at nothing, `tsc -b` at what it refers to. Read
 * by its words, since comments and commas at the ends are allowed there.
 */
function isSolution(text: string): boolean {
  return (
    /"files"\s*:\s*\[\s*\]/.test(text) &&
    /"references"\s*:/.test(text) &&
    !/"include"\s*:/.test(text)
  );
}

/** pnpm and the first Yarn refuse to add to the root of a workspace unless they are told to. */
function rootFlagOf(manager: Manager, manifest: Json, files: readonly string[]): string | null {
  if (manager === "pnpm") return files.includes("pnpm-workspace.yaml") ? "-w" : null;
  const field = manifest["packageManager"];
  const isNew =
    files.includes(".yarnrc.yml") || (typeof field === "string" && !field.startsWith("yarn@1"));
  return manager === "yarn" && !isNew && manifest["workspaces"] !== undefined ? "-W" : null;
}

function nearestTsconfig(folder: string, names: ReadonlyMap<string, readonly string[]>) {
  for (let at = folder; ; at = dirname(at) === "." ? "" : dirname(at)) {
    const found = names.get(at) ?? [];
    const name =
      found.find((one) => one === "tsconfig.json") ??
      found.find((one) => /^tsconfig\.[\w.-]+\.json$/.test(one));
    if (name !== undefined) return join(at, name);
    if (at === "") return null;
  }
}

const LOCKFILES: readonly (readonly [string, Manager])[] = [
  ["pnpm-lock.yaml", "pnpm"],
  ["pnpm-workspace.yaml", "pnpm"],
  ["yarn.lock", "yarn"],
  [".yarnrc.yml", "yarn"],
  ["bun.lock", "bun"],
  ["bun.lockb", "bun"],
];

/** What package.json says, as Corepack reads it, else what wrote the lockfile. */
function managerOf(field: unknown, files: readonly string[]): Manager {
  const named = typeof field === "string" ? /^(npm|pnpm|yarn|bun)@/.exec(field)?.[1] : undefined;
  const known = (["npm", "pnpm", "yarn", "bun"] as const).find((one) => one === named);
  if (known !== undefined) return known;
  if (files.includes("package-lock.json")) return "npm";
  return LOCKFILES.find(([name]) => files.includes(name))?.[1] ?? "npm";
}

const COMMANDS = {
  npm: {
    add: "npm install",
    dev: "--save-dev",
    peer: "--save-peer",
    tsc: "npx tsc",
    test: "npm test",
  },
  pnpm: {
    add: "pnpm add",
    dev: "--save-dev",
    peer: "--save-peer",
    tsc: "pnpm exec tsc",
    test: "pnpm test",
  },
  yarn: { add: "yarn add", dev: "--dev", peer: "--peer", tsc: "yarn tsc", test: "yarn test" },
  bun: { add: "bun add", dev: "--dev", peer: "--peer", tsc: "bunx tsc", test: "bun run test" },
} as const;
const CATALOGS = {
  npm: "the catalog",
  pnpm: "the catalog of pnpm-workspace.yaml",
  yarn: "the catalog of .yarnrc.yml",
  bun: "the catalog of package.json",
} as const;

/** Folders told by themselves; the others are counted. */
const TOLD_MAX = 3;

type Upgrade = { readonly name: string; readonly to: string };

/**
 * How the people of a consumer can see an upgrade for themselves: with their package manager, in
 * the folders that depend on the package (of those the ones with a file that is hit, if any is),
 * and by the compiler only where there is something for it to compile.
 */
export function upgradeSteps(
  { manager, rootFlag, folders }: ConsumerSetup,
  { name, to }: Upgrade,
  affectedFiles: readonly string[],
): string {
  const roots = folders.map(({ folder }) => folder);
  const hit = new Set(affectedFiles.map((file) => folderOf(file, roots)));
  const affected = folders.filter(({ folder }) => hit.has(folder));
  const some = affected.length > 0 ? affected : folders;
  const told = some.slice(0, TOLD_MAX);
  const { add, dev, peer } = COMMANDS[manager];
  const spec = shellWord(`${name}@${to}`);
  const left = some.length > told.length ? [`the same in ${some.length - told.length} more`] : [];
  if (some.length === 0) return code(`${add} ${spec}`);
  if (some.some(({ isInCatalog }) => isInCatalog)) {
    const set = `set ${code(name)} to ${code(to)} in ${CATALOGS[manager]}`;
    const checks = told.map((one) => inFolder(one.folder, checksOf(one, manager)));
    return [set, code(`${manager} install`), ...checks.filter((one) => one !== ""), ...left].join(
      ", ",
    );
  }
  const commands = told.map((one) => {
    const flags = [
      ...(one.section === "devDependencies" ? [dev] : []),
      ...(one.section === "peerDependencies" ? [peer] : []),
      ...(one.folder === "" && rootFlag !== null ? [rootFlag] : []),
    ];
    const wanted = one.alias === null ? spec : shellWord(`${one.alias}@npm:${name}@${to}`);
    const install = [add, ...flags, wanted].join(" ");
    return inFolder(one.folder, [install, ...checksOf(one, manager)]);
  });
  return [...commands, ...left].join(", ");
}

function inFolder(folder: string, commands: readonly string[]): string {
  const entered = folder === "" ? [] : [`cd ${shellWord(folder)}`];
  return commands.length === 0 ? "" : code([...entered, ...commands].join(" && "));
}

/**
 * What checks the code of a folder, from within it: the compiler, else its tests, else nothing.
 */
function checksOf(
  { folder, tsconfig, isSolution: isSplit, hasTests }: DependingFolder,
  manager: Manager,
): string[] {
  const { tsc, test } = COMMANDS[manager];
  if (tsconfig !== null && isSplit) {
    const named = tsconfig === join(folder, "tsconfig.json") ? [] : [relative(folder, tsconfig)];
    return [[tsc, "-b", ...named.map(shellWord)].join(" ")];
  }
  if (tsconfig !== null) return [[tsc, "--noEmit", ...projectFlag(tsconfig, folder)].join(" ")];
  return hasTests ? [test] : [];
}

function projectFlag(tsconfig: string, folder: string): string[] {
  if (tsconfig === join(folder, "tsconfig.json")) return [];
  return ["-p", shellWord(relative(folder, tsconfig))];
}

/** The innermost of some folders that a file lies in. */
function folderOf(file: string, folders: readonly string[]): string | undefined {
  return folders
    .filter((folder) => folder === "" || file.startsWith(`${folder}/`))
    .toSorted((left, right) => right.length - left.length)[0];
}

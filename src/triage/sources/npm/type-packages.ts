import { existsSync, realpathSync } from "node:fs";
import { join } from "node:path";
import semver from "semver";
import { hasCode, PermanentError, type RepositoryConfig } from "../../../index.ts";
import type { PackageLinks } from "../../facts/analysis.ts";
import { LIMITS, REPOSITORY_LIMITS } from "../../facts/limits.ts";
import { readEach } from "../../reading/read-each.ts";
import type { ScratchTree } from "../scratch-folder.ts";
import { fetchPackage, type PackageFetchOptions } from "./fetch-package.ts";
import { installedAbove, typesOf } from "./installed.ts";
import { Registry } from "./registry.ts";
import { type SearchedFolder, TYPE_NEEDS, type TypeNeed } from "./type-needs.ts";

/** Packages that declarations import, in folders of their own until this is disposed of. */
type TypePackages = AsyncDisposable & {
  readonly links: PackageLinks;
  /** What could not be had, and why. */
  readonly degraded: readonly string[];
};

/** A folder whose declarations are compiled, and what was led to it already, by name. */
type TypedFolder = SearchedFolder & {
  /** Whether what is installed above it is its own. */
  readonly isInstalled: boolean;
  readonly known: Readonly<Record<string, string>>;
  /** Who needs it, and by which name. */
  readonly neededBy?: { readonly folder: TypedFolder; readonly name: string };
};

/** A version of a package, which may lie beside what it needs. */
export function declarationsOf(path: string, isInstalled: boolean): TypedFolder {
  return { path: realpathSync(path), searched: "declarations", isInstalled, known: {} };
}

/** A version of a package in a copy of its repository, and what that holds beside it. */
export function declarationsIn(
  path: string,
  neighbours: Readonly<Record<string, string>>,
): TypedFolder {
  return {
    path: realpathSync(path),
    searched: "declarations",
    isInstalled: false,
    known: neighbours,
  };
}

/** A consumer, whose tsconfigs may extend what it lists. */
export function tsconfigsOf(
  { path }: { readonly path: string },
  isInstalled: boolean,
): TypedFolder {
  return { path: realpathSync(path), searched: "tsconfigs", isInstalled, known: {} };
}

/**
 * Fetch the packages that declarations import, and what those import, as npm would choose their
 * versions: without them types are not there, which hides errors and makes false ones. What cannot
 * be had is told, and fails nothing; a registry that does not answer is asked once.
 */
export async function fetchTypePackages(
  folders: readonly TypedFolder[],
  config: RepositoryConfig,
  options: PackageFetchOptions,
): Promise<TypePackages> {
  const fetching = new TypeFetch(config, options);
  try {
    await fetching.follow(folders);
  } catch (error) {
    await fetching.dispose();
    throw error;
  }
  return {
    links: fetching.links,
    degraded: [...fetching.degraded].toSorted(),
    [Symbol.asyncDispose]: () => fetching.dispose(),
  };
}

class TypeFetch {
  readonly links: Record<string, Record<string, string>> = {};
  readonly degraded = new Set<string>();

  readonly #config: RepositoryConfig;
  readonly #taskSignal: AbortSignal;
  readonly #options: PackageFetchOptions;
  /** By name and range; null: it cannot be had. */
  readonly #fetched = new Map<string, Promise<ScratchTree | null>>();
  /** Of both versions one copy, so that their types are the same. */
  readonly #byVersion = new Map<string, Promise<ScratchTree>>();
  #isUnreachable = false;

  constructor(config: RepositoryConfig, options: PackageFetchOptions) {
    this.#config = config;
    const stop = AbortSignal.timeout(LIMITS.typePackagesMs);
    this.#options = { ...options, signal: AbortSignal.any([options.signal, stop]), retries: 0 };
    this.#taskSignal = options.signal;
  }

  async follow(folders: readonly TypedFolder[]): Promise<void> {
    let open = [...folders];
    const seen = new Set(folders.map(({ path }) => path));
    while (open.length > 0) {
      const items = open.map(({ path, searched }) => ({ path, searched }));
      const read = await readEach(
        TYPE_NEEDS,
        { shared: undefined, items },
        { signal: this.#taskSignal },
      );
      const next: TypedFolder[] = [];
      const get = async (folder: TypedFolder, need: TypeNeed): Promise<void> => {
        const tree = await this.#get(folder, need);
        if (tree === null || seen.has(tree.path)) return;
        seen.add(tree.path);
        const neededBy = { folder, name: need.name };
        const searched = "declarations" as const;
        next.push({ path: tree.path, searched, isInstalled: false, known: {}, neededBy });
      };
      for (const [index, folder] of open.entries()) {
        const found = read[index];
        this.links[folder.path] ??= { ...folder.known };
        if (found === undefined || !("value" in found)) continue;
        for (const need of found.value.needs) await get(folder, need);
        const { neededBy } = folder;
        if (found.value.isTyped || neededBy === undefined) continue;
        if (neededBy.name.startsWith("@types/")) continue;
        await get(neededBy.folder, { name: typesOf(neededBy.name), range: "*" });
      }
      open = next;
    }
  }

  /** Lead a folder to what it needs; null where that is there, or cannot be had. */
  async #get(folder: TypedFolder, { name, range }: TypeNeed): Promise<ScratchTree | null> {
    const isThere =
      Object.hasOwn(folder.known, name) ||
      existsSync(join(folder.path, "node_modules", name)) ||
      (folder.isInstalled &&
        installedAbove(folder.path).some((modules) => existsSync(join(modules, name))));
    if (isThere) return null;
    const key = `${name}@${range}`;
    const known = this.#fetched.get(key);
    const fetching = known ?? this.#fetch(name, range);
    this.#fetched.set(key, fetching);
    const tree = await fetching;
    const links = (this.links[folder.path] ??= {});
    if (tree !== null) links[name] = tree.path;
    return tree;
  }

  async #fetch(name: string, range: string): Promise<ScratchTree | null> {
    const what = `types of "${name}"`;
    if (semver.validRange(range) === null) return null;
    if (this.#byVersion.size >= LIMITS.typePackagesMax) {
      this.degraded.add(`types of more than ${LIMITS.typePackagesMax} packages were not fetched`);
      return null;
    }
    if (this.#isUnreachable) return null;
    try {
      const version = await this.#choose(name, range);
      if (version === null) {
        this.degraded.add(`${what} not fetched: no version fits ${range}`);
        return null;
      }
      const key = `${name}@${version}`;
      const source = { name, version, tarball: null };
      const known = this.#byVersion.get(key);
      const fetching = known ?? fetchPackage(source, this.#config, this.#options);
      this.#byVersion.set(key, fetching);
      return await fetching;
    } catch (error) {
      this.#taskSignal.throwIfAborted();
      const isAnswer = error instanceof PermanentError || hasCode(error, "E404", "E410");
      this.#isUnreachable ||= !isAnswer;
      this.degraded.add(
        isAnswer
          ? `${what} not fetched: it is not published`
          : "types not fetched: no registry answers",
      );
      return null;
    }
  }

  async #choose(name: string, range: string): Promise<string | null> {
    const { workingDirectory, signal, limits = REPOSITORY_LIMITS, retries } = this.#options;
    const registry = await Registry.of(name, { workingDirectory, signal, limits, retries });
    return await registry.choose(range);
  }

  async dispose(): Promise<void> {
    for (const fetching of this.#byVersion.values()) {
      const tree = await fetching.catch(() => null);
      await tree?.[Symbol.asyncDispose]();
    }
  }
}

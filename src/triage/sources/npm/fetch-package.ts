import { createReadStream } from "node:fs";
import { hasCode, PermanentError, type RepositoryConfig, RetryableError } from "../../../index.ts";
import type { AnalysisRequest } from "../../facts/analysis.ts";
import { REPOSITORY_LIMITS, type RepositoryLimits } from "../../facts/limits.ts";
import { makeScratchFolder, type ScratchTree } from "../scratch-folder.ts";
import { findInstalled } from "./installed.ts";
import { Registry } from "./registry.ts";
import { TarballCache, unpack } from "./tarball.ts";

/** A request whose package folders are there, as long as this is not disposed of. */
type ObtainedPackages = AsyncDisposable & {
  readonly request: AnalysisRequest;
  /** Names of the caps that kept files of a tarball out. */
  readonly capsHit: readonly string[];
};

/**
 * Get what npm mode compares: a path that is a `.tgz` is unpacked, and a version that has no
 * path and no installed copy comes from the registry. Throws as fetchPackage does.
 */
export async function obtainPackages(
  request: AnalysisRequest,
  config: RepositoryConfig,
  options: PackageFetchOptions,
): Promise<ObtainedPackages> {
  const trees: ScratchTree[] = [];
  const dispose = async (): Promise<void> => {
    for (const tree of trees) await tree[Symbol.asyncDispose]();
  };
  const { name, from, to, fromPath, toPath } = request.package;
  const searchFrom = [request.consumer.path, ...request.searchFrom];

  const obtain = async (version: string, path: string | null): Promise<string | null> => {
    const tarball = path !== null && /\.(?:tgz|tar\.gz)$/.test(path) ? path : null;
    if (path !== null && tarball === null) return path;
    if (tarball === null && findInstalled({ name, version }, searchFrom) !== null) return null;
    const tree = await fetchPackage({ name, version, tarball }, config, options);
    trees.push(tree);
    return tree.path;
  };
  try {
    const paths = { fromPath: await obtain(from, fromPath), toPath: await obtain(to, toPath) };
    return {
      request: { ...request, package: { ...request.package, ...paths } },
      capsHit: [...new Set(trees.flatMap((tree) => tree.capsHit))].toSorted(),
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** A version of a package: a tarball on disk (absolute path), or the registry's. */
type PackageSource = {
  readonly name: string;
  /** An exact version. */
  readonly version: string;
  readonly tarball: string | null;
};

export type PackageFetchOptions = {
  /** Folder whose project's .npmrc counts beside the user's. */
  readonly workingDirectory: string;
  readonly signal: AbortSignal;
  /** @default REPOSITORY_LIMITS */
  readonly limits?: RepositoryLimits;
  /** How often the registry is asked again. @default npm's setting */
  readonly retries?: number;
};

const NAME = /^(?:@[a-z0-9~-][\w.~-]*\/)?[a-z0-9~-][\w.~-]*$/i;
const VERSION = /^\d+\.\d+\.\d[\w.+-]*$/;

/**
 * Unpack a version of a package into a scratch folder. Nothing of it is run: it is a file that
 * is read, from disk or from the registry. Tarballs are kept up to a total of bytes, so that a
 * version had before needs no network.
 *
 * Throws a PermanentError for a version that is not there or is more than the limits allow, a
 * RetryableError for a registry that cannot be reached and for trouble of this machine, the
 * signal's reason.
 */
export async function fetchPackage(
  source: PackageSource,
  config: RepositoryConfig,
  options: PackageFetchOptions,
): Promise<ScratchTree> {
  const { workingDirectory, signal, limits = REPOSITORY_LIMITS, retries } = options;
  requireExact(source);
  const stop = AbortSignal.any([signal, AbortSignal.timeout(limits.packageMs)]);
  const scratch = await makeScratchFolder(config.cacheFolder);
  const unpackFrom = async (path: string): Promise<string[]> =>
    await unpack(createReadStream(path), scratch.path, { limits, signal: stop });
  try {
    stop.throwIfAborted();
    const capsHit =
      source.tarball === null
        ? await unpackPublished(source, config, {
            workingDirectory,
            stop,
            limits,
            retries,
            unpackFrom,
          })
        : await unpackFrom(source.tarball);
    return { ...scratch, revision: `npm:${source.name}@${source.version}`, capsHit };
  } catch (error) {
    await scratch[Symbol.asyncDispose]();
    signal.throwIfAborted();
    throw errorFrom(error, source);
  }
}

function requireExact({ name, version }: PackageSource): void {
  if (NAME.test(name) && VERSION.test(version)) return;
  throw new PermanentError(
    `expected a package's name and exact version, got ${JSON.stringify(`${name}@${version}`)}`,
  );
}

type Published = {
  readonly workingDirectory: string;
  readonly stop: AbortSignal;
  readonly limits: RepositoryLimits;
  readonly retries: number | undefined;
  readonly unpackFrom: (path: string) => Promise<string[]>;
};

/** What is kept is never read twice where it is broken: then it is had anew. */
async function unpackPublished(
  { name, version }: PackageSource,
  config: RepositoryConfig,
  { workingDirectory, stop, limits, retries, unpackFrom }: Published,
): Promise<string[]> {
  const registry = await Registry.of(name, { workingDirectory, signal: stop, limits, retries });
  const cache = new TarballCache(config.cacheFolder, {
    bytesMax: config.packageCacheBytesMax ?? limits.packageCacheBytesMax,
  });
  const key = { registry: registry.url, name, version };
  const kept = await cache.find(key);
  if (kept !== null) {
    try {
      return await unpackFrom(kept);
    } catch (error) {
      stop.throwIfAborted();
      if (error instanceof RetryableError) throw error;
      await cache.remove(kept);
    }
  }
  return await cache.keep(key, async (path) => {
    await registry.download(version, path);
    return await unpackFrom(path);
  });
}

/** Trouble of this machine, which says nothing of the package. */
const OF_MACHINE = [
  "EMFILE",
  "ENFILE",
  "ENOSPC",
  "EDQUOT",
  "EACCES",
  "EPERM",
  "EROFS",
  "EIO",
  "ENOMEM",
  "ENOBUFS",
  "EBUSY",
  "EAGAIN",
];
/** No tarball, and none at another time: what asking again does not change. */
const NO_TARBALL = ["TAR_BAD_ARCHIVE", "TAR_ABORT", "Z_BUF_ERROR", "Z_DATA_ERROR"];
const GONE = ["E404", "E410"];
const NO_FILE = ["ENOENT", "ENOTDIR", "EISDIR", "ENAMETOOLONG", "ELOOP"];

function errorFrom(error: unknown, { name, version, tarball: path }: PackageSource): Error {
  const what = path ?? `${name}@${version}`;
  const message = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
  if (error instanceof PermanentError) return new PermanentError(`cannot take ${what}: ${message}`);
  const isGone = hasCode(error, ...GONE) || (path !== null && hasCode(error, ...NO_FILE));
  if (isGone) return new PermanentError(`there is no ${what}: ${message}`);
  if (hasCode(error, ...NO_TARBALL)) {
    return new PermanentError(`cannot take ${what}: it is no tarball (${message})`);
  }
  if (error instanceof RetryableError) {
    return new RetryableError(`cannot get ${what}: ${message}`, { cause: error });
  }
  if (path !== null || hasCode(error, ...OF_MACHINE, ...NO_FILE)) {
    return new RetryableError(
      `cannot get ${what}: ${message}; hint: that is this machine's trouble: its open files, ` +
        "its disk, or the rights of the worker",
      { cause: error },
    );
  }
  return new RetryableError(
    `cannot get ${what}: ${message}; ` +
      `hint: without a registry, npm install --save-dev ${name}-x@npm:${name}@${version}`,
    { cause: error },
  );
}

import type { Readable } from "node:stream";
import pacote from "pacote";
import type { RepositoryConfig } from "../../config.ts";
import { hasCode } from "../../has-code.ts";
import { PermanentError, RetryableError } from "../../outcome.ts";
import { REPOSITORY_LIMITS, type RepositoryLimits } from "../repository/repository-limits.ts";
import { makeScratchFolder, type ScratchTree } from "../repository/scratch-folder.ts";
import { readNpmConfig } from "./npm-config.ts";
import { unpack } from "./unpack.ts";

/** A version of a package: a tarball on disk (absolute path), or the registry's. */
export type PackageSource = {
  readonly name: string;
  /** An exact version. */
  readonly version: string;
  readonly tarball: string | null;
};

export type FetchOptions = {
  /** Folder whose project's .npmrc counts beside the user's. */
  readonly workingDirectory: string;
  readonly signal: AbortSignal;
  /** @default REPOSITORY_LIMITS */
  readonly limits?: RepositoryLimits;
};

const NAME = /^(?:@[a-z0-9~-][\w.~-]*\/)?[a-z0-9~-][\w.~-]*$/i;
const VERSION = /^\d+\.\d+\.\d[\w.+-]*$/;
/** What asking again does not change. */
const GONE = [
  "E404",
  "ETARGET",
  "ENOVERSIONS",
  "ENOENT",
  "EISDIR",
  "EINVALIDPACKAGENAME",
  "TAR_BAD_ARCHIVE",
  "TAR_ABORT",
  "Z_BUF_ERROR",
  "Z_DATA_ERROR",
];

/**
 * Unpack a version of a package into a scratch folder. Nothing of it is run: no other kind of
 * place is taken, since folders and git repositories would be prepared by their own scripts.
 * npm's cache is used, so that a version had before needs no network.
 *
 * Throws a PermanentError for a version that is not there, a RetryableError for a registry
 * that cannot be reached, the signal's reason.
 */
export async function fetchPackage(
  source: PackageSource,
  config: RepositoryConfig,
  { workingDirectory, signal, limits = REPOSITORY_LIMITS }: FetchOptions,
): Promise<ScratchTree> {
  const spec = specOf(source);
  const stop = AbortSignal.any([signal, AbortSignal.timeout(limits.packageMs)]);
  const npmConfig = await readNpmConfig(workingDirectory);
  const scratch = await makeScratchFolder(config.cacheFolder);
  const unpacking: Promise<string[]>[] = [];
  const unpackTo = (stream: Readable): Promise<string[]> => {
    const caps = unpack(stream, scratch.path, { limits, signal: stop });
    unpacking.push(caps);
    return caps;
  };
  try {
    const capsHit = await whileRunning(stop, () =>
      pacote.tarball.stream(spec, unpackTo, { ...npmConfig, preferOffline: true }),
    );
    return { ...scratch, revision: `npm:${source.name}@${source.version}`, capsHit };
  } catch (error) {
    await Promise.allSettled(unpacking);
    await scratch[Symbol.asyncDispose]();
    signal.throwIfAborted();
    throw errorFrom(error, source);
  }
}

function specOf({ name, version, tarball: path }: PackageSource): string {
  if (!NAME.test(name) || !VERSION.test(version)) {
    throw new PermanentError(
      `expected a package's name and exact version, got ${JSON.stringify(`${name}@${version}`)}`,
    );
  }
  return path === null ? `${name}@${version}` : `file:${path}`;
}

/** pacote waits for a registry without looking at any signal. */
async function whileRunning<Result>(
  signal: AbortSignal,
  work: () => Promise<Result>,
): Promise<Result> {
  signal.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([work(), promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

function errorFrom(error: unknown, { name, version, tarball: path }: PackageSource): Error {
  const what = path ?? `${name}@${version}`;
  if (error instanceof PermanentError) {
    return new PermanentError(`cannot take ${what}: ${error.message}`);
  }
  const message = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
  return hasCode(error, ...GONE)
    ? new PermanentError(`there is no ${what}: ${message}`)
    : new RetryableError(
        `cannot get ${what}: ${message}; ` +
          `hint: without a registry, npm install --save-dev ${name}-x@npm:${name}@${version}`,
        { cause: error },
      );
}

import type { Logger } from "pino";
import type { RepositoryConfig } from "../../config.ts";
import type { ServiceRequest } from "../analysis.ts";
import type { ChangeSet } from "../change-set.ts";
import type { ChangedSource } from "../changed-source.ts";
import type { Asked } from "../consumer-result.ts";
import type { PackagePart } from "../package/package-part.ts";

/**
 * What a triage is about, known well enough to look up its verdict. What it reads into scratch
 * folders goes when it is disposed of.
 */
export type Prepared = AsyncDisposable & {
  readonly asked: Asked;
  /** Get the change and the trees that the analysis needs. Once. */
  readonly read: () => Promise<Work>;
};

/** What is found of a payload by its mode. */
export type Found = Pick<Prepared, "read"> & {
  readonly source: ChangedSource;
  readonly targetSha: string;
};

/** What is analysed, one after the other, and told as one analysis. */
export type Work = {
  /** Null in npm mode, where the package is all that is asked about. */
  readonly service: ServiceRequest | null;
  readonly packages: readonly PackagePart[];
  /** What is known less well than it could be, and the caps that were hit, on the way. */
  readonly degraded: readonly string[];
  readonly capsHit: readonly string[];
};

/** Where excerpts can be read of what is analysed; null where nobody knows. */
export function placesOf({ service, packages }: Work): {
  change: ChangeSet | null;
  folder: string | null;
} {
  return {
    change: service?.change ?? null,
    folder: service?.consumer?.path ?? packages[0]?.request.consumer.path ?? null,
  };
}

/** Where a worker finds what payloads name. */
export type Surroundings = {
  readonly repositories: RepositoryConfig;
  /** Relative paths of a payload start here. */
  readonly workingDirectory: string;
  readonly signal: AbortSignal;
  readonly logger: Logger;
};

/** What is removed together, in the end. */
export class KeptUntilEnd implements AsyncDisposable {
  readonly #kept: AsyncDisposable[] = [];

  keep<Kept extends AsyncDisposable>(kept: Kept): Kept {
    this.#kept.push(kept);
    return kept;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const kept of this.#kept.splice(0)) await kept[Symbol.asyncDispose]();
  }
}

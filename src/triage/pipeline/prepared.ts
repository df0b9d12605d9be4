import { resolve } from "node:path";
import type { Logger } from "pino";
import type { RepositoryConfig } from "../../index.ts";
import type { ServiceRequest } from "../facts/analysis.ts";
import type { ChangedSource, ChangeSet } from "../facts/change-set.ts";
import type { ConsumerTriagePayload } from "./consumer-payload.ts";
import type { TriageSubject } from "./consumer-result.ts";
import type { PackagePart } from "./package-part.ts";
import type { ConsumerSetup } from "./upgrade-steps.ts";

/**
 * What a triage is about, known well enough to look up its verdict. What it reads into scratch
 * folders goes when it is disposed of.
 */
export type Prepared = AsyncDisposable & {
  readonly subject: TriageSubject;
  /** Get the change and the trees that the analysis needs. Once. */
  readonly read: () => Promise<Work>;
};

/** What is found of a payload by its mode. */
export type Preparation = Pick<Prepared, "read"> & {
  readonly source: ChangedSource;
  readonly targetSha: string;
};

/** What is analysed, one after the other, and combined in one analysis. */
export type Work = {
  /** Null in npm mode, where there is a package alone. */
  readonly service: ServiceRequest | null;
  readonly packages: readonly PackagePart[];
  /** How the consumer upgrades the package in npm mode; else null. */
  readonly setup: ConsumerSetup | null;
  /** What is known less well than it could be, and the caps that were hit, on the way. */
  readonly degraded: readonly string[];
  readonly capsHit: readonly string[];
};

/** Where excerpts can be read of what is analysed; null where nobody knows. */
export function excerptSources({ service, packages }: Work): {
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

/**
 * The consumer's folder, if an operator keeps it: only then is what is installed above it the
 * operator's too. Above a copy of ours are the worker's own files.
 */
export function keptFolders(
  { relationship_config: { path } }: ConsumerTriagePayload,
  workingDirectory: string,
): string[] {
  return path === undefined ? [] : [resolve(workingDirectory, path)];
}

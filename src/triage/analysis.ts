import type { ChangeSet } from "./change-set.ts";
import type { ServiceIdentity } from "./consumer/service-address.ts";
import type { Diagnostic, Hit, Usage } from "./finding.ts";
import type { Tree } from "./tree.ts";

/** What the analysis of a package is asked. Paths are absolute; values cross a thread's border. */
export type AnalysisRequest = {
  readonly package: {
    readonly name: string;
    readonly from: string;
    readonly to: string;
    /** The package's folders; null: look for an installed copy. */
    readonly fromPath: string | null;
    readonly toPath: string | null;
  };
  readonly consumer: {
    readonly path: string;
    /** What its content is called. @default sha256 of the files that are read */
    readonly revision?: string | null;
    readonly interfaceFiles: readonly string[];
  };
  /**
   * Folders that may be read beside the consumer, the two versions and what the versions' installed
   * copies depend on, such as the node_modules above a folder of an operator's. @default none
   */
  readonly alsoReadable?: readonly string[];
  /** Folders whose node_modules, and those above them, are searched for installed copies. */
  readonly searchFrom: readonly string[];
  /**
   * How deep the surfaces are compared. Holding two versions of large recursive types
   * against each other can take the compiler minutes and gigabytes; names never do.
   */
  readonly depth: "types" | "names";
};

/** What the analysis of a service is asked: the values cross a thread's border. */
export type ServiceRequest = {
  /** From git or from an event: the rules read what is there of it. */
  readonly change: ChangeSet;
  /** The consumer's files. Null: nobody knows them, and its usage is unknown. */
  readonly consumer: Tree | null;
  readonly identity: ServiceIdentity;
};

/** How the consumer depends on the package. Null: its package.json does not name it. */
export type Exposure = {
  readonly range: string | null;
  readonly resolved: string | null;
  readonly new: string;
  readonly satisfies: boolean | null;
};

/** The facts, before anything is judged. Every list is sorted: same inputs, same bytes. */
export type Analysis = {
  readonly hits: readonly Hit[];
  readonly diagnostics: readonly Diagnostic[];
  /** Whether the consumer uses the package or the service at all. */
  readonly usage: Usage;
  /** Null for a service, which has no versions to install. */
  readonly exposure: Exposure | null;
  /** The consumer's revision, or sha256 of its files that were read; "" if there are none. */
  readonly targetSha: string;
  /** Whether the change is known by the diffs of an event alone. */
  readonly isPayloadOnly: boolean;
  /** Whether a producer cut diffs off. */
  readonly truncated: boolean;
  readonly degraded: readonly string[];
  readonly capsHit: readonly string[];
};

export type Progress = { readonly percent: number; readonly step: string };

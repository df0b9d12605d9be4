import type { Diagnostic, Hit, Usage } from "./finding.ts";

/** What an analysis is asked. Paths are absolute; the values cross a thread's border. */
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
    readonly interfaceFiles: readonly string[];
  };
  /** Folders whose node_modules, and those above them, are searched for installed copies. */
  readonly searchFrom: readonly string[];
  /**
   * How deep the surfaces are compared. Holding two versions of large recursive types
   * against each other can take the compiler minutes and gigabytes; names never do.
   */
  readonly depth: "types" | "names";
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
  /** Whether the consumer uses the package at all. */
  readonly usage: Usage;
  readonly exposure: Exposure;
  /** sha256 of the consumer's files that were read. */
  readonly targetSha: string;
  readonly degraded: readonly string[];
  readonly capsHit: readonly string[];
};

export type Progress = { readonly percent: number; readonly step: string };

import type { AnalysisRequest } from "../analysis.ts";

/** A package to compare. */
export type PackagePart = {
  readonly request: AnalysisRequest;
  /** Where it is in a repository; null for one that is published. */
  readonly origin: {
    /** "" for the root. */
    readonly folder: string;
    /** The commit of its new version. */
    readonly commit: string;
  } | null;
};

import type { ChangeSet } from "./change-set.ts";
import { COMPILER_ERROR, type Diagnostic, type Hit, type Usage } from "./finding.ts";
import { LIMITS } from "./limits.ts";
import type { ServiceIdentity } from "./service.ts";

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
  /**
   * Folders of packages that declarations import, by the folder of the package that imports them and
   * by name: the declarations of what is not installed. @default none
   */
  readonly dependencies?: PackageLinks;
  /** Folders whose node_modules, and those above them, are searched for installed copies. */
  readonly searchFrom: readonly string[];
  /**
   * How deep the surfaces are compared. Holding two versions of large recursive types
   * against each other can take the compiler minutes and gigabytes; names never do.
   */
  readonly depth: "types" | "names";
};

/** By the folder of a package, and by the name of another: the folder that it finds there. */
export type PackageLinks = Readonly<Record<string, Readonly<Record<string, string>>>>;

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

export type AnalysisProgress = { readonly percent: number; readonly step: string };

/**
 * A tree of files in a folder, as the analyses read it: a consumer's own folder, or one that
 * was extracted from a commit or a package for one analysis. Nothing of it is installed or run.
 */
export type Tree = {
  /** Absolute path of the folder. */
  readonly path: string;
  /** What its content is called: a commit, or `npm:name@version`. Null: nobody knows. */
  readonly revision: string | null;
  /** Names of the caps that kept files out of it. */
  readonly capsHit: readonly string[];
};

type Facts = Pick<Analysis, "hits" | "diagnostics" | "capsHit">;

/**
 * The facts in their order and within their limits: what breaks and is used comes first, so
 * that a cap cuts off what matters least.
 */
export function boundedFacts({ hits, diagnostics, capsHit }: Facts): Facts {
  const cut = [
    ...(hits.length > LIMITS.findingsMax ? ["findings"] : []),
    ...(diagnostics.length > LIMITS.diagnosticsMax ? ["diagnostics"] : []),
  ];
  return {
    hits: hits.toSorted(byWeight).slice(0, LIMITS.findingsMax),
    diagnostics: diagnostics.slice(0, LIMITS.diagnosticsMax),
    capsHit: sortedSet([...capsHit, ...cut]),
  };
}

/** The texts without repetitions, in order. */
export function sortedSet(texts: readonly string[]): string[] {
  return [...new Set(texts)].toSorted();
}

function byWeight(left: Hit, right: Hit): number {
  return rankOf(left) - rankOf(right) || (left.finding.id < right.finding.id ? -1 : 1);
}

function rankOf({ finding, usage }: Hit): number {
  if (finding.rule === COMPILER_ERROR) return -1;
  const breaking = { yes: 0, maybe: 1, no: 2 }[finding.breaking];
  return (usage === "none" ? 3 : 0) + breaking;
}

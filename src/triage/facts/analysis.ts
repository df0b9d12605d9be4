import type { ChangeSet } from "./change-set.ts";
import { COMPILER_ERROR, type Diagnostic, type Hit, type Usage } from "./finding.ts";
import { LIMITS } from "./limits.ts";
import type { ServiceIdentity } from "./service.ts";

/** What the analysis of a package is asked. Paths are absolute; values go to a process. */
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
    /** Whether code of it is not in the folder. @default false */
    readonly isCodeLeftOut?: boolean;
  };
  /**
   * Folders that may be read beside the consumer, the two versions and what the versions'
   * installed copies depend on, such as the node_modules above a folder of an operator's. @default
   * none
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

/** What the analysis of a service is asked: the values cross a process's border. */
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
  /** Whether JavaScript or TypeScript is among them, or may be. @default false */
  readonly isCodeLeftOut?: boolean;
};

type Facts = Pick<Analysis, "hits" | "diagnostics" | "capsHit">;

/**
 * The facts in their order and within their limits: what the compiler objects to comes first, then
 * what else breaks and is used, so that a cap cuts off what matters least.
 */
export function boundedFacts({ hits, diagnostics, capsHit }: Facts): Facts {
  // No cap hides an error: these come first.
  const errors = hits.filter(({ finding }) => finding.proof?.by === "compiler").length;
  const cut = [
    ...(hits.length > LIMITS.findingsMax ? ["findings"] : []),
    ...(diagnostics.length > LIMITS.diagnosticsMax ? ["diagnostics"] : []),
  ];
  const early = callsBeforeErrors(hits);
  return {
    hits: hits
      .toSorted((one, other) => byWeight(one, other, early))
      .slice(0, Math.max(LIMITS.findingsMax, errors)),
    diagnostics: diagnostics.slice(0, LIMITS.diagnosticsMax),
    capsHit: sortedSet([...capsHit, ...cut]),
  };
}

/** The texts without repetitions, in order. */
export function sortedSet(texts: readonly string[]): string[] {
  return [...new Set(texts)].toSorted();
}

type Hits = ReadonlySet<Hit>;

function byWeight(left: Hit, right: Hit, early: Hits): number {
  const rank = rankOf(left, early) - rankOf(right, early);
  if (rank !== 0) return rank;
  const sureness = reasonRank(left) - reasonRank(right);
  const first = byFirstError(left, right, early);
  return first || sureness || (left.finding.id < right.finding.id ? -1 : 1);
}

/**
 * In JavaScript, calls that its own files show to be taken otherwise, above all errors of the
 * compiler in the file: the code ends there, and what is wrong below follows from it.
 */
function callsBeforeErrors(hits: readonly Hit[]): Hits {
  const firstErrors = new Map<string, number>();
  for (const { path, line } of hits.filter((hit) => isError(hit)).flatMap((hit) => hit.hits)) {
    firstErrors.set(path, Math.min(line, firstErrors.get(path) ?? Infinity));
  }
  const early = hits.filter(({ finding: { rule }, usage, hits: [first] }) => {
    const isCall = rule === "js.new_changed" || rule === "js.parameters_changed";
    if (!isCall || usage !== "confirmed" || first === undefined) return false;
    return /\.[cm]?js$/.test(first.path) && first.line < (firstErrors.get(first.path) ?? 0);
  });
  return new Set(early);
}

/**
 * Of what may break: what the new code itself says of it first, then what a call or a member
 * shows, then what words show, and the step of the version last.
 */
function reasonRank({ finding: { rule, breaking } }: Hit): number {
  const rank = breaking === "maybe" ? REASONS.indexOf(rule) : -1;
  return rank === -1 ? REASONS.indexOf("ts.signature") : rank;
}

const REASONS = [
  "js.use_refused",
  "js.export_removed",
  "js.new_changed",
  "js.member_removed",
  "js.parameters_changed",
  "ts.signature",
  "js.default_changed",
  "js.only_change",
  "js.older_way",
  "js.use_announced",
  "js.option_removed",
  "js.member_unknown",
  "js.shape_changed",
  "pkg.version",
];

/** From the top of a file: what is wrong further down often follows from what is wrong above. */
function byFirstError(left: Hit, right: Hit, early: Hits): number {
  if ([left, right].some((hit) => !isError(hit) && !early.has(hit))) return 0;
  const [one, other] = [left.hits[0], right.hits[0]];
  if (one === undefined || other === undefined) return 0;
  if (one.path !== other.path) return one.path < other.path ? -1 : 1;
  return one.line - other.line || errorRank(left) - errorRank(right);
}

/** What a finding of the surfaces explains comes before what only the compiler says. */
function errorRank({ finding: { rule } }: Hit): number {
  return rule === COMPILER_ERROR ? 1 : 0;
}

function isError({ finding: { breaking, proof }, usage }: Hit): boolean {
  return usage === "confirmed" && breaking === "yes" && proof?.by === "compiler";
}

/** `TS7006`, `TS7031`: a parameter has lost its type, because of what is wrong elsewhere. */
function isConsequence({ finding: { rule, after } }: Hit): boolean {
  return rule === COMPILER_ERROR && /^TS70\d\d:/.test(after ?? "");
}

/** Errors of the compiler, then other uses that are seen, then what may be used, then the rest. */
function rankOf(hit: Hit, early: Hits): number {
  if (early.has(hit)) return 0;
  const { usage } = hit;
  const { breaking } = hit.finding;
  const known = { yes: 0, maybe: 1, no: 2 }[breaking];
  if (isError(hit)) return isConsequence(hit) ? 1 : 0;
  if (breaking === "no") return usage === "none" ? 12 : 8;
  if (usage === "none") return 10 + known;
  if (usage === "confirmed") return 2 + known;
  return 5 + known;
}

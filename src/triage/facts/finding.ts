/** The concerns that a relationship's `urgency_mapping` speaks of. */
export const TRIGGERS = [
  "api_contract",
  "authentication",
  "deployment",
  "configuration",
  "endpoints",
] as const;
export type Trigger = (typeof TRIGGERS)[number];

export const BREAKING = ["yes", "maybe", "no"] as const;
export type Breaking = (typeof BREAKING)[number];

export const USAGES = ["confirmed", "likely", "none", "unknown"] as const;
export type Usage = (typeof USAGES)[number];

/** A place in a file. `path` is relative to its tree's root, `line` counts from 1. */
export type Location = { readonly path: string; readonly line: number };

/** One text for a place, to hold places against each other. */
export function lineKey({ path, line }: Location): string {
  return `${path}:${line}`;
}

/** Each location once, by path and line. */
export function sortedLocations(locations: readonly Location[]): Location[] {
  const unique = new Map(locations.map(({ path, line }) => [`${path}:${line}`, { path, line }]));
  return [...unique.values()].toSorted(
    (left, right) =>
      (left.path === right.path ? 0 : left.path < right.path ? -1 : 1) || left.line - right.line,
  );
}

export const PROVEN_BY = ["compiler", "node", "declarations", "service"] as const;

/**
 * The fact that a finding breaks by. Without one, no finding that the consumer meets says more
 * than "maybe".
 */
export type Proof = {
  /**
   * `compiler`: a new error in the consumer's code. `node`: loading or running by Node's own
   * rules, ranges of engines and peers included. `declarations`: what both versions declare, of a
   * finding that the consumer does not meet. `service`: what the service's own files say.
   */
  readonly by: (typeof PROVEN_BY)[number];
  /** For people: the error with its place, or the rule and what it was applied to. */
  readonly text: string;
};

/** One difference between the old and the new provider. */
export type Finding = {
  /** `rule:subject`, unique within an analysis and the same in every run. */
  readonly id: string;
  readonly rule: string;
  readonly trigger: Trigger;
  readonly breaking: Breaking;
  readonly subject: string;
  /**
   * In the new tree, or in the old one for something that was removed. The line is null where
   * a diff has no headers to count from.
   */
  readonly provider: { readonly path: string; readonly line: number | null } | null;
  /** For display only: what it was and is. Null on the side where it does not exist. */
  readonly before: string | null;
  readonly after: string | null;
  /** What stands in the new surface where the removed thing stood; null if nothing is known. */
  readonly replacement: string | null;
  /** What of the consumer's own is held against it, such as its range; null if there is none. */
  readonly own: string | null;
  /**
   * What the release says of itself, for a step of the version number; null if it says nothing.
   */
  readonly notes: string | null;
  /**
   * Of a step of the version number for which nothing gives a reason: what was held against the old
   * version, or could not be. Null for all others.
   */
  readonly compared: string | null;
  /** Null: nothing proves that it breaks. */
  readonly proof: Proof | null;
};

/** The rule of a finding that is an error of the compiler, which no other finding accounts for. */
export const COMPILER_ERROR = "ts.error";

/** How a consumer can be hit by a finding. */
export type Match =
  /** By importing the package at all. */
  | { readonly by: "package" }
  /**
   * At places that whoever found it has seen: a load in the consumer's code, a line of its
   * manifest.
   */
  | { readonly by: "places"; readonly places: readonly Location[] }
  | { readonly by: "subpath"; readonly subpath: string }
  /** By a package.json script that runs the command. */
  | { readonly by: "command"; readonly command: string }
  /** By an exported name, or by a member (`name` null); declarations are keys of the old tree. */
  | {
      readonly by: "symbol";
      readonly subpath: string;
      readonly name: string | null;
      /** Other names that the same thing is exported by. */
      readonly aliases?: readonly string[];
      readonly declarations: readonly string[];
    };

export type Found = { readonly finding: Finding; readonly match: Match };

/** A finding and where the consumer meets it. */
export type Hit = {
  readonly finding: Finding;
  readonly usage: Usage;
  readonly hits: readonly Location[];
};

/** An error of the compiler that the new version brings to the consumer's code. */
export type Diagnostic = Location & {
  readonly code: string;
  readonly message: string;
  /** What the person wrote there, such as `r.error.errors`. */
  readonly subject?: string | undefined;
};

type FindingParts = Partial<Finding> & Pick<Finding, "rule" | "subject" | "breaking">;

/** A finding with its id; what is not given is null, and the trigger is api_contract. */
export function finding(parts: FindingParts): Finding {
  return {
    id: `${parts.rule}:${parts.subject}`,
    rule: parts.rule,
    trigger: parts.trigger ?? "api_contract",
    breaking: parts.breaking,
    subject: parts.subject,
    provider: parts.provider ?? null,
    before: parts.before ?? null,
    after: parts.after ?? null,
    replacement: parts.replacement ?? null,
    own: parts.own ?? null,
    notes: parts.notes ?? null,
    compared: parts.compared ?? null,
    proof: parts.proof ?? null,
  };
}

/** From least to most urgent. */
export const URGENCIES = ["low", "medium", "high", "critical"] as const;
export type Urgency = (typeof URGENCIES)[number];

/** One step less urgent; low stays low. */
export function stepDown(urgency: Urgency): Urgency {
  return URGENCIES[URGENCIES.indexOf(urgency) - 1] ?? "low";
}

/** The lesser of two urgencies. */
export function urgencyAtMost(urgency: Urgency, most: Urgency): Urgency {
  return URGENCIES.indexOf(urgency) > URGENCIES.indexOf(most) ? most : urgency;
}

/** An error that the new version brings. */
export type NewError = {
  readonly diagnostic: Diagnostic;
  /** Where the name that it is about is imported; null where it is not, or nobody knows. */
  readonly importedAt: Location | null;
  /** The last name of what is called around it, `watch` of `watch(paths, { … })`; null for none. */
  readonly within: string | null;
  /** Whether code fails by it that knows no types: a name is missing, a callback is not taken. */
  readonly isOfCode: boolean;
};

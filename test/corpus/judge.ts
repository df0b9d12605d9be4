// What a verdict is worth: a result of triage beside the truth of its case.
import type { TriageResult } from "../../src/triage/facts/result.ts";
import { type Case, type Kind, type Place, requiresAction } from "./case.ts";

/** A case and what came of it, as far as the bars look at it. */
export type Judged = {
  readonly name: string;
  readonly kind: Kind;
  readonly usedForRules: boolean;
  /** Whether the truth is that the consumer has to act, and whether it was told to. */
  readonly breaks: boolean;
  readonly asked: boolean;
  /** Whether the first thing that is told to do is at a right line, with a right name. */
  readonly namesFirst: boolean;
  /** Whether it says "breaks", as a fact, and what proves it is in the evidence. */
  readonly claims: boolean;
  readonly proves: boolean;
  /** Whether it says that the consumer does not use what it does use. */
  readonly deniesUse: boolean;
};

type Seen = Pick<
  TriageResult,
  "requires_action" | "recommended_changes" | "impact_summary" | "evidence"
>;

export function judge(one: Case, result: Seen): Judged {
  const breaks = requiresAction(one.class);
  return {
    name: one.name,
    kind: one.kind,
    usedForRules: one.used_for_rules,
    breaks,
    asked: result.requires_action,
    namesFirst: breaks && result.requires_action && namesOneOf(one.truth.at, firstStep(result)),
    claims: claimsBreak(result),
    proves: claimsBreak(result) && hasProof(result),
    deniesUse: one.truth.reached && result.evidence.usage === "none",
  };
}

/** Whether the consumer was told what is true: that it must act, or that it need not. */
export function isRight({ breaks, asked }: Pick<Judged, "breaks" | "asked">): boolean {
  return breaks === asked;
}

/**
 * The first line of `recommended_changes` that says what to change: the one before it says how to
 * verify. "" for none.
 */
export function firstStep({ recommended_changes }: Pick<Seen, "recommended_changes">): string {
  const steps = recommended_changes.split("\n").filter((line) => /^\d+\. /.test(line));
  return steps.find((line) => !/^\d+\. Verify\b/i.test(line)) ?? "";
}

/** Whether the first place in a text is one of these, and a name of what breaks there is in it. */
function namesOneOf(places: readonly Place[], text: string): boolean {
  const [, path, line] = /(?:^|[\s`(])([^\s`(:]+):(\d+)/.exec(text.replace(/^\d+\. /, "")) ?? [];
  return places.some((place) => {
    const isThere =
      place.line === null
        ? hasWord(text, place.path)
        : place.path === path && String(place.line) === line;
    return isThere && place.symbols.some((symbol) => hasWord(text, symbol));
  });
}

function hasWord(text: string, word: string): boolean {
  const escaped = word.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`);
  return new RegExp(String.raw`(?<![\w$])${escaped}(?![\w$])`).test(text);
}

/** A break that is told as one: certain, and at a use that was seen. */
function claimsBreak({ requires_action, evidence }: Seen): boolean {
  return (
    requires_action &&
    evidence.findings.some(({ breaking, usage }) => breaking === "yes" && usage === "confirmed")
  );
}

/** Rules whose findings are facts of loading and running, or stand in both trees to be read. */
const FACTS = /^(?:pkg\.(?!version$)|js\.|http\.|env\.|deploy\.)/;

/** A new error of the compiler, or a fact with the place where the consumer meets it. */
function hasProof({ evidence }: Seen): boolean {
  return (
    evidence.diagnostics.length > 0 ||
    evidence.findings.some(
      ({ breaking, usage, rule, proof, hits }) =>
        breaking === "yes" &&
        usage === "confirmed" &&
        (FACTS.test(rule) || proof?.by === "node") &&
        hits.length > 0,
    )
  );
}

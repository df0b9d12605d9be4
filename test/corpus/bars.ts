// What a run has to reach: one table of bars, and what each says of the verdicts.
import { KINDS, type Kind } from "./case.ts";
import { isRight, type Judged } from "./judge.ts";

/** How a kind of case, or all of them, came out. */
export type Tally = {
  readonly cases: number;
  /** Of breaks that are used: all, those that came out as no action, and those named first. */
  readonly breaks: number;
  readonly missed: number;
  readonly namedFirst: number;
  /** Of harmless changes: all, and those for which the consumer is asked to act. */
  readonly harmless: number;
  readonly falseAlarms: number;
  /** Verdicts that say "breaks", and those of them without a proof. */
  readonly claims: number;
  readonly unproven: number;
  /** Verdicts that say "does not use it" of something that is used. */
  readonly deniedUses: number;
};

export function tallyOf(judged: readonly Judged[]): Tally {
  const breaks = judged.filter((one) => one.breaks);
  const harmless = judged.filter((one) => !one.breaks);
  const claims = judged.filter((one) => one.claims);
  return {
    cases: judged.length,
    breaks: breaks.length,
    missed: breaks.filter((one) => !isRight(one)).length,
    namedFirst: breaks.filter((one) => one.namesFirst).length,
    harmless: harmless.length,
    falseAlarms: harmless.filter((one) => !isRight(one)).length,
    claims: claims.length,
    unproven: claims.filter((one) => !one.proves).length,
    deniedUses: judged.filter((one) => one.deniesUse).length,
  };
}

/** A tally for each kind that has cases. */
export function byKind(judged: readonly Judged[]): { kind: Kind; tally: Tally }[] {
  return KINDS.map((kind) => ({ kind, all: judged.filter((one) => one.kind === kind) }))
    .filter(({ all }) => all.length > 0)
    .map(({ kind, all }) => ({ kind, tally: tallyOf(all) }));
}

type Measured = { readonly value: number; readonly of: number };
type Bar = {
  readonly name: string;
  readonly measure: (tally: Tally) => Measured;
  /** Whether a measure may not be more than the bar, or not be less. */
  readonly side: "at most" | "at least";
  /** Shares. What a run is held to today, and what is aimed at; raise the first to the second. */
  readonly today: { readonly marked: number; readonly unmarked: number };
  readonly goal: number;
};

/**
 * The bars. A measure that is better than `today` is a reason to move `today`, but for a case or two:
 * one that is cut off by its time, or whose types the registry did not give, comes out otherwise.
 */
export const BARS: readonly Bar[] = [
  {
    name: "breaks that are used and come out as no action",
    measure: ({ missed, breaks }) => ({ value: missed, of: breaks }),
    side: "at most",
    today: { marked: 0.04, unmarked: 0.1 },
    goal: 0,
  },
  {
    name: "harmless changes that ask for action",
    measure: ({ falseAlarms, harmless }) => ({ value: falseAlarms, of: harmless }),
    side: "at most",
    today: { marked: 0.07, unmarked: 0.17 },
    goal: 0.05,
  },
  {
    name: "breaks named first, at their line",
    measure: ({ namedFirst, breaks }) => ({ value: namedFirst, of: breaks }),
    side: "at least",
    today: { marked: 0.95, unmarked: 0.76 },
    goal: 0.95,
  },
  {
    name: '"breaks" without a proof',
    measure: ({ unproven, claims }) => ({ value: unproven, of: claims }),
    side: "at most",
    today: { marked: 0.025, unmarked: 0.04 },
    goal: 0,
  },
  {
    name: '"does not use it" of what is used',
    measure: ({ deniedUses, cases }) => ({ value: deniedUses, of: cases }),
    side: "at most",
    today: { marked: 0.025, unmarked: 0.025 },
    goal: 0,
  },
];

/** A bar and how a run stands to it. */
export type Standing = {
  readonly name: string;
  readonly value: number;
  readonly of: number;
  readonly today: string;
  readonly goal: string;
  readonly isHeld: boolean;
  readonly isReached: boolean;
};

/** How these cases, all marked or all unmarked, stand to each bar. */
export function standings(judged: readonly Judged[], part: "marked" | "unmarked"): Standing[] {
  const tally = tallyOf(judged);
  return BARS.map(({ name, measure, side, today, goal }) => {
    const { value, of } = measure(tally);
    return {
      name,
      value,
      of,
      today: `${side} ${percent(today[part])}`,
      goal: `${side} ${percent(goal)}`,
      isHeld: isWithin(side, { value, of }, today[part]),
      isReached: isWithin(side, { value, of }, goal),
    };
  });
}

function isWithin(side: Bar["side"], { value, of }: Measured, bar: number): boolean {
  const counted = bar * of;
  // A share that is written with three digits stands for a count of cases.
  return side === "at most" ? value <= counted + ROUNDING * of : value >= counted - ROUNDING * of;
}

const ROUNDING = 0.0005;

function percent(share: number): string {
  return `${Number((share * 100).toFixed(1))} %`;
}

/** What is wrong with a run, a sentence each; none if every bar of today is held. */
export function faults(judged: readonly Judged[]): string[] {
  const marked = judged.filter((one) => one.usedForRules);
  const unmarked = judged.filter((one) => !one.usedForRules);
  return [
    ...faultsOf(marked, "marked"),
    ...faultsOf(unmarked, "unmarked"),
    ...(judged.length === 0 ? ["no case was judged"] : []),
  ];
}

/** MiB that no process of a case may hold, where each has processes of its own. */
export const PEAK_MIB_MAX = 450;

/** Cases that took more than that; none where they shared their processes. */
export function costlyCases(
  outcomes: readonly { readonly judged: Judged; readonly peakMib: number | null }[],
): string[] {
  return outcomes.flatMap(({ judged: { name }, peakMib }) =>
    (peakMib ?? 0) > PEAK_MIB_MAX ? [`${name} held ${peakMib} MiB; ${PEAK_MIB_MAX} at most`] : [],
  );
}

function faultsOf(judged: readonly Judged[], part: "marked" | "unmarked"): string[] {
  return standings(judged, part)
    .filter(({ isHeld }) => !isHeld)
    .map(({ name, value, of, today }) => `${part}: ${value} of ${of} ${name}; ${today} today`);
}

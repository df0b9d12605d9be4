import { CLASSES, type Class, requiresAction } from "./class.ts";

/** What a case is, and what the analysis made of it. */
export type Judged = {
  readonly name: string;
  readonly expected: Class;
  readonly got: Class;
};

/** The share of cases that must come out right. */
const RIGHT_MIN = 0.9;

/** How often each class came out as which: a row for each class that is true. */
export function confusion(judged: readonly Judged[]): { expected: Class; counts: number[] }[] {
  return CLASSES.map((expected) => ({
    expected,
    counts: CLASSES.map(
      (got) => judged.filter((one) => one.expected === expected && one.got === got).length,
    ),
  }));
}

/** Whether the consumer was told what is true: that it must act, or that it need not. */
export function isRight({ expected, got }: Judged): boolean {
  return requiresAction(expected) === requiresAction(got);
}

/**
 * What is wrong with a run, a sentence each; none if it is good. Silence where something breaks is
 * never good; a false alarm now and then is.
 */
export function faults(judged: readonly Judged[]): string[] {
  const missed = judged.filter((one) => requiresAction(one.expected) && !isRight(one));
  const right = judged.filter(isRight).length;
  const share = judged.length === 0 ? 0 : right / judged.length;
  return [
    ...missed.map(({ name }) => `${name} breaks its consumer and came out as no action`),
    ...(share < RIGHT_MIN
      ? [`${right} of ${judged.length} are right; at least ${RIGHT_MIN * 100} % must be`]
      : []),
  ];
}

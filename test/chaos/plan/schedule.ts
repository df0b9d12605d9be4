import { FAULT_KINDS, type FaultKind } from "./fault-kinds.ts";
import { randomFrom } from "./random.ts";

/** One fault of a run, decided before the run begins. */
export type Fault = {
  /** Since the first enqueue. */
  readonly atMs: number;
  readonly kind: FaultKind;
  /** Which worker, host or connection: a place among those that are there, 0 to below 1. */
  readonly pick: number;
  /** How long it lasts; 0 for what happens at once. */
  readonly durationMs: number;
};

type Known = (typeof FAULT_KINDS)[number];

/** The time between two faults: this mean, exponentially spread, but no less than the least. */
const PAUSE_MS_MEAN = 3_000;
const PAUSE_MS_MIN = 300;
/** Work before the first fault, so that it meets some. */
const QUIET_MS = 3_000;

/**
 * The faults of a run of that length: every kind once in random order, as far as there is
 * time, then by weight. Of the seed alone: what is decided here does not depend on the run.
 */
export function scheduleFaults({ seed, lengthMs }: { seed: number; lengthMs: number }): Fault[] {
  const random = randomFrom(seed);
  const first = shuffle(FAULT_KINDS, random);
  const faults: Fault[] = [];
  for (let atMs = QUIET_MS; atMs < lengthMs; atMs += pause(random)) {
    const { kind, seconds } = first.pop() ?? chooseByWeight(random);
    const [shortest, longest] = seconds;
    const durationMs = Math.round((shortest + random() * (longest - shortest)) * 1_000);
    faults.push({ atMs: Math.round(atMs), kind, pick: random(), durationMs });
  }
  return faults;
}

function pause(random: () => number): number {
  return Math.max(PAUSE_MS_MIN, -Math.log(1 - random()) * PAUSE_MS_MEAN);
}

function chooseByWeight(random: () => number): Known {
  let left = random() * FAULT_KINDS.reduce((sum, { weight }) => sum + weight, 0);
  for (const known of FAULT_KINDS) {
    left -= known.weight;
    if (left < 0) {
      return known;
    }
  }
  throw new Error("expected the weights to add up to more than any share of them");
}

function shuffle<Value>(values: readonly Value[], random: () => number): Value[] {
  return values
    .map((value) => ({ value, place: random() }))
    .toSorted((a, b) => a.place - b.place)
    .map(({ value }) => value);
}

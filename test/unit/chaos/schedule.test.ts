import { expect, test } from "vitest";
import { FAULT_KINDS } from "../../chaos/plan/fault-kinds.ts";
import { scheduleFaults } from "../../chaos/plan/schedule.ts";

const THREE_MINUTES = 180_000;

test("the same seed gives the same faults, another seed others", () => {
  const faults = scheduleFaults({ seed: 42, lengthMs: THREE_MINUTES });

  expect(scheduleFaults({ seed: 42, lengthMs: THREE_MINUTES })).toEqual(faults);
  expect(scheduleFaults({ seed: 43, lengthMs: THREE_MINUTES })).not.toEqual(faults);
});

test("a longer run begins as a shorter one of the same seed", () => {
  const short = scheduleFaults({ seed: 42, lengthMs: THREE_MINUTES });

  const long = scheduleFaults({ seed: 42, lengthMs: 10 * THREE_MINUTES });

  expect(long.length).toBeGreaterThan(5 * short.length);
  expect(long.slice(0, short.length)).toEqual(short);
});

test("three minutes see every kind of fault", () => {
  for (let seed = 0; seed < 100; seed++) {
    const kinds = scheduleFaults({ seed, lengthMs: THREE_MINUTES }).map(({ kind }) => kind);
    expect(new Set(kinds)).toEqual(new Set(FAULT_KINDS.map(({ kind }) => kind)));
  }
});

test("faults come in the order of their time, within the run, and last as their kind says", () => {
  const faults = scheduleFaults({ seed: 1, lengthMs: THREE_MINUTES });

  const times = faults.map(({ atMs }) => atMs);
  expect(times).toEqual(times.toSorted((a, b) => a - b));
  expect(Math.max(...times)).toBeLessThan(THREE_MINUTES);
  for (const { kind, durationMs, pick } of faults) {
    const [shortest, longest] = FAULT_KINDS.find((known) => known.kind === kind)?.seconds ?? [];
    expect(durationMs).toBeGreaterThanOrEqual((shortest ?? Number.NaN) * 1_000);
    expect(durationMs).toBeLessThanOrEqual((longest ?? Number.NaN) * 1_000);
    expect(pick).toBeLessThan(1);
  }
});

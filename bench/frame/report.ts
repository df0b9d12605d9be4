/**
 * What handlers under measurement tell the bench, over the channel between the processes.
 * `at` is the clock that all processes of a machine share, in nanoseconds.
 */
export type Report = {
  readonly event: "first" | "last" | "started";
  readonly at: string;
  /** Which of many tasks, where the producer gave it a number. */
  readonly place?: number | undefined;
};

/** Report an event, as having happened when this was called. */
export function report(event: Report["event"], place?: number): void {
  process.send?.({ event, at: String(process.hrtime.bigint()), place } satisfies Report);
}

/** Nanoseconds of the shared clock. */
export function now(): bigint {
  return process.hrtime.bigint();
}

export function millisecondsBetween(from: bigint, to: bigint): number {
  return Number(to - from) / 1e6;
}

let calls = 0;

/** The whole no-op: count the call; report the first one and the one that is number `of`. */
export function countCall(of: number): void {
  calls += 1;
  if (calls === 1) {
    report("first");
  }
  if (calls === of) {
    report("last");
  }
}

/**
 * What handlers under measurement tell the bench, over the channel between the processes.
 * `at` is the clock that all processes of a machine share, in nanoseconds.
 */
export type Report =
  | { readonly event: "first" | "last" | "started"; readonly at: string }
  /** How often the process has called a handler so far. */
  | { readonly event: "tally"; readonly at: string; readonly calls: number };

/** Report an event, as having happened when this was called. */
export function report(event: Exclude<Report["event"], "tally">): void {
  process.send?.({ event, at: String(process.hrtime.bigint()) } satisfies Report);
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

/** A message for each call would be work beside the one that is measured. */
const TALLY_EVERY_MS = 5;
let isTallyDue = false;

/** The whole no-op where processes share the tasks: count the call, and soon tell the sum. */
export function tallyCall(): void {
  calls += 1;
  if (calls === 1) {
    report("first");
  }
  if (!isTallyDue) {
    isTallyDue = true;
    setTimeout(() => {
      isTallyDue = false;
      process.send?.({ event: "tally", at: String(now()), calls } satisfies Report);
    }, TALLY_EVERY_MS);
  }
}

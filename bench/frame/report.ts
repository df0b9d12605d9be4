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

/** How many handlers a process has called so far: several share what there is. */
export type Tally = { readonly calls: number };

/** A count is old by so much at most; told at each call, it would cost what is measured. */
const TALLY_MS = 2;

let calls = 0;
let told = 0;

/**
 * The whole no-op: count the call; report the first one and the one that is number `of`, and a
 * moment after a call how many there were.
 */
export function countCall(of = Infinity): void {
  calls += 1;
  if (calls === 1) {
    report("first");
    process.once("exit", tell);
  }
  if (calls === of) {
    report("last");
    tell();
  } else if (calls === told + 1) {
    setTimeout(tell, TALLY_MS);
  }
}

function tell(): void {
  if (told < calls) {
    told = calls;
    process.send?.({ calls } satisfies Tally);
  }
}

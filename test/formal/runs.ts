/** The bounds of a run, by the names that protocol.pml has for them. */
export type Bounds = Readonly<Record<string, number>>;

/** What the model is checked for; the numbers are those of protocol.pml. */
export const PROPERTIES = [
  { number: 1, name: "no attempt gets a second end" },
  { number: 2, name: "only the holder of the current attempt records" },
  { number: 3, name: "a worker that was declared dead records nothing" },
  { number: 4, name: "nobody is declared dead without a cause" },
  { number: 5, name: "no claim is made for a worker that ended" },
  { number: 6, name: "when nothing moves, all tasks are final and nothing is locked" },
] as const;

/** What holds in the end, of every run that is fair to each process. */
export const CLAIMS = ["no_lost_task", "rescued"] as const;

const NONE: Bounds = {
  TASKS: 1,
  FAULTS: 0,
  LOST_ANSWERS: 0,
  STOPS: 0,
  RELEASES: 0,
  RETRIES: 0,
  SQUATS: 0,
  LEASES: 1,
};

/** The protocol as it is, by what happens to it. */
export const INTACT: readonly { readonly name: string; readonly bounds: Bounds }[] = [
  { name: "a fault and a lost answer", bounds: { ...NONE, FAULTS: 1, LOST_ANSWERS: 1 } },
  {
    name: "the same behind a pooler",
    bounds: { ...NONE, FAULTS: 1, LOST_ANSWERS: 1, SESSIONS: 0 },
  },
  { name: "a fault and a shutdown", bounds: { ...NONE, FAULTS: 1, STOPS: 1 } },
  {
    name: "a lost answer, a shutdown, a release, a retry",
    bounds: { ...NONE, LOST_ANSWERS: 1, STOPS: 1, RELEASES: 1, RETRIES: 1 },
  },
  { name: "a fault, a stranger who takes a lock", bounds: { ...NONE, FAULTS: 1, SQUATS: 1 } },
  {
    name: "the same, and a lease that does not help",
    bounds: { ...NONE, FAULTS: 1, SQUATS: 1, LEASES: 0 },
  },
  { name: "two tasks, a fault", bounds: { ...NONE, TASKS: 2, FAULTS: 1, MAX_ATTEMPTS: 1 } },
  { name: "two tasks, a lost answer", bounds: { ...NONE, TASKS: 2, LOST_ANSWERS: 1 } },
];

/** Small enough for the search that is fair to each process. */
export const LIVENESS_BOUNDS: Bounds = { ...NONE, FAULTS: 1, MAX_ATTEMPTS: 1 };

/** A mechanism taken out, and the properties that must be found broken, each by itself. */
export const BROKEN: readonly {
  readonly macro: string;
  readonly bounds: Bounds;
  readonly breaks: readonly number[];
}[] = [
  {
    macro: "FENCE_WITHOUT_ATTEMPT",
    bounds: { ...NONE, FAULTS: 1, LOST_ANSWERS: 1 },
    breaks: [1, 2, 3],
  },
  // A settle that is sent again, recorded for a later attempt of the same worker.
  { macro: "FENCE_BY_WORKER", bounds: { ...NONE, LOST_ANSWERS: 1 }, breaks: [1, 2] },
  {
    macro: "FENCE_WITHOUT_STATUS",
    bounds: { ...NONE, FAULTS: 1, LOST_ANSWERS: 1 },
    breaks: [1, 2, 3],
  },
  {
    macro: "RELEASE_LOWERS_ATTEMPT",
    bounds: { ...NONE, FAULTS: 1, LOST_ANSWERS: 1, RELEASES: 1 },
    breaks: [2],
  },
  {
    macro: "RETRY_RESETS_ATTEMPT",
    bounds: { ...NONE, LOST_ANSWERS: 1, RETRIES: 1 },
    breaks: [2],
  },
  { macro: "CLAIM_WITHOUT_LOCK", bounds: { ...NONE, FAULTS: 1 }, breaks: [5, 6] },
  { macro: "RESCUE_WITHOUT_LOOK", bounds: { ...NONE, FAULTS: 1 }, breaks: [4] },
  { macro: "RESCUE_WITHOUT_SECOND_LOOK", bounds: { ...NONE, FAULTS: 1 }, breaks: [4] },
  // What a stranger has the lock of waits for the lease.
  {
    macro: "RESCUE_BY_LOCK_ALONE",
    bounds: { ...NONE, FAULTS: 1, SQUATS: 1, LEASES: 0 },
    breaks: [6],
  },
  // A row of claims that goes while its task is held: nobody takes that back.
  { macro: "TIDY_WITHOUT_LOOK", bounds: { ...NONE, FAULTS: 1 }, breaks: [6] },
  { macro: "CLAIMS_NEVER_LOOKED_FOR", bounds: { ...NONE, LOST_ANSWERS: 1 }, breaks: [6] },
];

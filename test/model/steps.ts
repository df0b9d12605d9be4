import * as fc from "fast-check";
import { type Enqueue, OUTCOMES } from "./events.ts";

/** Which of those that are there, counted around as often as it takes. */
export type Pick = number;

/** Which attempt: of those that hold their task, or of all that there were. */
export type AttemptPick = {
  readonly holding: boolean;
  readonly pick: Pick;
  /** Added to its number: such a one was never claimed, or not so. */
  readonly shift: -1 | 0 | 1;
};

/** An event before it is known which tasks and workers are there. */
export type Step = typeof STEP extends fc.Arbitrary<infer Value> ? Value : never;

const PICK: fc.Arbitrary<Pick> = fc.nat({ max: 7 });
const QUEUE = fc.constantFrom("default", "night");

const ATTEMPT: fc.Arbitrary<AttemptPick> = fc.record({
  holding: fc.constantFrom(true, true, true, false),
  pick: PICK,
  shift: fc.constantFrom(0, 0, 0, 0, 0, 0, 0, 0, 1, -1),
});

const ENQUEUE: fc.Arbitrary<Enqueue> = fc.record({
  queue: fc.constantFrom("default", "default", "night"),
  priority: fc.constantFrom(2, 2, 0, 3),
  delay: fc.constantFrom(null, null, 0, 1_000, 60_000, -1_000),
  maxAttempts: fc.constantFrom(null, 2, 1, 3),
  key: fc.constantFrom(null, "k", "l"),
  mode: fc.constantFrom("keep", "replace"),
  window: fc.constantFrom(null, null, 20_000),
});

const LANE = fc.option(
  fc.record({ queue: fc.constantFrom("default", "night"), priority: fc.constantFrom(2, 0) }),
);

const OUTCOME = fc.record({
  of: ATTEMPT,
  outcome: fc.constantFrom(...OUTCOMES),
  delay: fc.constantFrom(0, 0, 1_000, null),
});

const on = <Name extends string>(...names: Name[]) => fc.constantFrom(...names);
const times = <Value>(weight: number, arbitrary: fc.Arbitrary<Value>) => ({ weight, arbitrary });

const STEP = fc.oneof(
  times(
    6,
    fc.record({ on: on("claim"), worker: PICK, max: fc.constantFrom(1, 2, 100), lane: LANE }),
  ),
  times(
    6,
    fc.record({ on: on("settle"), outcomes: fc.array(OUTCOME, { minLength: 1, maxLength: 4 }) }),
  ),
  times(3, fc.record({ on: on("enqueue"), task: ENQUEUE })),
  times(1, fc.record({ on: on("enqueue many"), tasks: fc.array(ENQUEUE, { maxLength: 3 }) })),
  times(
    5,
    fc.record({
      on: on("cancel", "decide", "retry"),
      task: PICK,
      fitting: fc.constantFrom(true, true, true, false),
    }),
  ),
  times(
    2,
    fc.record({ on: on("fall silent", "fall silent", "heartbeat", "end worker"), worker: PICK }),
  ),
  times(
    2,
    fc.record({
      on: on("rescue"),
      maxWorkers: fc.constantFrom(10, 1),
      maxRescues: fc.constantFrom(3, 2, 1),
    }),
  ),
  times(
    2,
    fc.record({
      on: on("register"),
      queues: fc.constantFrom(["default", "night"], ["default"]),
      maxAttempts: fc.constantFrom(3, 1),
    }),
  ),
  times(1, fc.record({ on: on("progress"), of: ATTEMPT, percent: fc.constantFrom(0, 50, 100) })),
  times(
    1,
    fc.record({
      on: on("release unknown"),
      worker: PICK,
      known: fc.array(ATTEMPT, { maxLength: 2 }),
    }),
  ),
  times(
    3,
    fc.record({ on: on("wait"), ms: fc.constantFrom(60_000, 1_000, 1, 14_999, 15_001, 20_000) }),
  ),
  times(1, fc.record({ on: on("resume", "pause", "resume"), queue: QUEUE })),
  times(1, fc.record({ on: on("expire") })),
);

/** What may happen to the world that `AT_FIRST` made. */
export const STEPS = fc.array(STEP, { maxLength: 30, size: "max" });

const PLAIN: Enqueue = {
  queue: "default",
  priority: 2,
  delay: null,
  maxAttempts: null,
  key: null,
  mode: "keep",
  window: null,
};

/** What each sequence begins with. */
export const AT_FIRST: readonly Step[] = [
  { on: "register", queues: ["default", "night"], maxAttempts: 3 },
  { on: "register", queues: ["default"], maxAttempts: 3 },
  { on: "enqueue many", tasks: [PLAIN, { ...PLAIN, key: "k" }] },
];

import { TRANSITIONS } from "../../src/model/task-status.ts";
import type { Event, Outcome } from "./events.ts";
import type { AttemptPick, Pick, Step } from "./steps.ts";
import { type Attempt, heldAttempts, type World } from "./world.ts";

/** An id that nothing has. */
const NOBODY = 900_719_925;
const RARE: Pick = 7;

type OnTask = Extract<Step, { readonly fitting: boolean }>;

/** The event that a step is in this world. */
export function eventOfStep(world: World, step: Step): Event {
  switch (step.on) {
    case "claim":
    case "heartbeat":
    case "fall silent":
    case "end worker":
      return { ...step, worker: pickWorker(world, step.worker) };
    case "release unknown":
      return {
        ...step,
        worker: pickWorker(world, step.worker),
        known: step.known.map((pick) => pickAttempt(world, pick)),
      };
    case "settle":
      return {
        ...step,
        outcomes: consistent(
          step.outcomes.map(({ of, ...more }) => ({ ...pickAttempt(world, of), ...more })),
        ),
      };
    case "progress":
      return { ...step, of: pickAttempt(world, step.of) };
    case "cancel":
    case "decide":
    case "retry":
      return { on: step.on, task: pickTask(world, step) };
    case "register":
    case "enqueue":
    case "enqueue many":
    case "rescue":
    case "pause":
    case "resume":
    case "wait":
    case "expire":
      return step;
  }
}

/** The same outcome of the same attempt twice in a batch counts once, and which is open. */
function consistent(outcomes: readonly Outcome[]): Outcome[] {
  return outcomes.map((given) => {
    const first = outcomes.find(
      ({ task, attempt, outcome }) =>
        task === given.task && attempt === given.attempt && outcome === given.outcome,
    );
    return first ?? given;
  });
}

/** One that has not ended, unless the pick is a rare one. */
function pickWorker(world: World, pick: Pick): number {
  const all = [...world.workers];
  const serving = all.filter(([, { endedAt }]) => endedAt === null);
  return pickFrom(pick === RARE || serving.length === 0 ? all : serving, pick)?.[0] ?? NOBODY;
}

/** One to which the event can happen, where there is one and a fitting one is wanted. */
function pickTask(world: World, { on, task: pick, fitting }: OnTask): number {
  const all = [...world.tasks];
  const fits = all.filter(([, { status }]) => TRANSITIONS[status][on] !== undefined);
  const from = fitting && fits.length > 0 ? fits : all;
  return (pick === RARE && !fitting ? undefined : pickFrom(from, pick)?.[0]) ?? NOBODY;
}

function pickAttempt(world: World, { holding, pick, shift }: AttemptPick): Attempt {
  const holders = holding ? heldAttempts(world) : [];
  const from = holders.length > 0 ? holders : world.attempts;
  const picked = pickFrom(from, pick) ?? { task: NOBODY, attempt: 1 };
  return { ...picked, attempt: picked.attempt + shift };
}

function pickFrom<Value>(from: readonly Value[], pick: Pick): Value | undefined {
  return from[pick % from.length];
}

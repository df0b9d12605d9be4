/** The queue beside its model: one sequence of events, or a search among made-up ones. */

import { isDeepStrictEqual } from "node:util";
import * as fc from "fast-check";
import type { Client } from "pg";
import { applyEvent } from "./apply-event.ts";
import { eventOfStep } from "./event-of-step.ts";
import type { Event } from "./events.ts";
import { callQueue, stopClock } from "./queue-calls.ts";
import { readHistory, readTasks } from "./queue-rows.ts";
import { AT_FIRST, STEPS, type Step } from "./steps.ts";
import { newWorld, type Task, type World } from "./world.ts";

/** What the queue and the model made differently of the same events. */
export class Disagreement extends Error {
  constructor(what: string, story: readonly Event[], queue: unknown, model: unknown) {
    const events = story.map((event, index) => `  ${index + 1}. ${JSON.stringify(event)}`);
    super(
      [
        `the queue and the model disagree on ${what}`,
        ...events,
        `queue: ${JSON.stringify(queue)}`,
        `model: ${JSON.stringify(model)}`,
      ].join("\n"),
    );
    this.name = "Disagreement";
  }
}

/**
 * Give the same events to the queue and to the model, in a transaction that is rolled back.
 * Throws a Disagreement at the first answer, row of a task or row of history that differs.
 */
export async function compare(db: Client, steps: readonly Step[]): Promise<World> {
  const world = newWorld();
  const story: Event[] = [];
  // Else each look reads the rows of earlier sequences, which are dead and not yet gone.
  await db.query("begin; set local enable_seqscan = off");
  try {
    await db.query(stopClock(world.now));
    for (const step of [...AT_FIRST, ...steps]) {
      const event = eventOfStep(world, step);
      story.push(event);
      const given = await callQueue(db, event, world.now);
      const expected = applyEvent(world, event, given);
      same("the answer", story, given, expected);
      await compareTasks(db, world, story);
    }
    await compareHistory(db, world, story);
    return world;
  } finally {
    await db.query("rollback");
  }
}

async function compareTasks(db: Client, world: World, story: readonly Event[]): Promise<void> {
  const rows = await readTasks(db, [...world.tasks.keys()]);
  for (const [id, row] of rows) {
    followChance(world.tasks.get(id), row, world.now);
  }
  same("the tasks", story, rows, [...world.tasks]);
}

/** The wait after a failure is drawn by lot: take it over where it is within its limits. */
function followChance(task: Task | undefined, row: Task, now: number): void {
  if (task !== undefined && Number.isNaN(task.runAt)) {
    const longest = 1_000 * Math.min(300, 2 ** (task.failures - 1));
    if (row.runAt >= now && row.runAt <= now + longest) {
      task.runAt = row.runAt;
    }
  }
}

async function compareHistory(db: Client, world: World, story: readonly Event[]): Promise<void> {
  const rows = await readHistory(db, [...world.tasks.keys()]);
  const told = [...world.history].flatMap(([id, entries]) =>
    entries.map((entry) => [id, entry] as const),
  );
  same("history", story, rows, told);
}

function same(what: string, story: readonly Event[], queue: unknown, model: unknown): void {
  if (!isDeepStrictEqual(queue, model)) {
    throw new Disagreement(what, story, queue, model);
  }
}

type Options = {
  readonly runs: number;
  readonly seed: number;
  /** Of a failure that was reported: begin there. */
  readonly path?: string | undefined;
  readonly onRun?: (count: number) => void;
};

type Found = {
  /** What the shortest sequence is on which they disagree, and how to run it again. */
  readonly failure?: string | undefined;
  readonly events: number;
  /** How often each transition was made, by "FROM -> TO event". */
  readonly covered: ReadonlyMap<string, number>;
};

/** Look for a sequence of events on which the queue and the model disagree. */
export async function findDisagreement(
  db: Client,
  { runs, seed, path, onRun }: Options,
): Promise<Found> {
  const covered = new Map<string, number>();
  let events = 0;
  let count = 0;
  const property = fc.asyncProperty(STEPS, async (steps) => {
    const world = await compare(db, steps);
    events += steps.length;
    count += 1;
    onRun?.(count);
    for (const entries of world.history.values()) {
      for (const [index, { event, status }] of entries.entries()) {
        const transition = `${entries[index - 1]?.status ?? "none"} -> ${status} ${event}`;
        covered.set(transition, (covered.get(transition) ?? 0) + 1);
      }
    }
  });
  const details = await fc.check(property, {
    numRuns: runs,
    seed,
    ...(path === undefined ? {} : { path }),
  });
  return { failure: details.failed ? tell(details) : undefined, events, covered };
}

function tell<Values>(details: fc.RunDetails<Values>): string {
  const { seed, counterexamplePath, errorInstance, numRuns, numShrinks } = details;
  const why = errorInstance instanceof Error ? errorInstance.message : String(errorInstance);
  return [
    why,
    `found by sequence ${numRuns}, shrunk ${numShrinks} times; once more:`,
    `  npm run fuzz -- --seed ${seed} --path ${counterexamplePath}`,
  ].join("\n");
}

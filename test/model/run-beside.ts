import { isDeepStrictEqual } from "node:util";
import type { Client } from "pg";
import { aim } from "./aim.ts";
import { drive } from "./drive.ts";
import type { Event } from "./events.ts";
import { next } from "./next.ts";
import { observeHistory, observeTasks } from "./observe.ts";
import { stopClock } from "./statements.ts";
import { AT_FIRST, type Step } from "./steps.ts";
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
 * Drive the same events at the queue and at the model, in a transaction that is rolled back.
 * Throws a Disagreement at the first answer, row of a task or row of history that differs.
 */
export async function runBeside(db: Client, steps: readonly Step[]): Promise<World> {
  const world = newWorld();
  const story: Event[] = [];
  // Else each look reads the rows of earlier sequences, which are dead and not yet gone.
  await db.query("begin; set local enable_seqscan = off");
  try {
    await db.query(stopClock(world.now));
    for (const step of [...AT_FIRST, ...steps]) {
      const event = aim(world, step);
      story.push(event);
      const given = await drive(db, event, world.now);
      const expected = next(world, event, given);
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
  const rows = await observeTasks(db, [...world.tasks.keys()]);
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
  const rows = await observeHistory(db, [...world.tasks.keys()]);
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

// Goal: a worker claims what it can start soon, and goes on by itself when it could not.

import { pino } from "pino";
import { expect, test } from "vitest";
import { z } from "zod";
import { defineHandler } from "../../../src/model/handler.ts";
import { Slots } from "../../../src/worker/slots.ts";
import { StartedAttempts } from "../../../src/worker/started-attempts.ts";
import { WakeUp } from "../../../src/worker/wake-up.ts";
import { makeClaimedTask } from "../../support/handlers.ts";

const logger = pino({ enabled: false });

test("a worker whose endings the database does not take claims nothing, until it takes them", async () => {
  const changed = new WakeUp();
  const settler = new SlowSettler();
  const slots = makeSlots(settler, changed);
  slots.accept([makeClaimedTask({ taskId: "1" })], { more: false, epoch: 0, askedMs: 0 });
  await settler.asked;
  await changed.wait();

  settler.size = 1_000_000;
  expect(slots.plan(performance.now()).claims).toEqual([]);
  settler.size = 0;
  settler.answer();

  // Raised, or this waits for ever.
  await changed.wait();
  expect(slots.plan(performance.now()).claims).toHaveLength(1);
});

test("after a full claim the attempts start in the next turn, when the next claim is under way", async () => {
  const settler = new SlowSettler();
  const slots = makeSlots(settler, new WakeUp());

  slots.accept([makeClaimedTask({ taskId: "1" })], { more: true, epoch: 0, askedMs: 0 });
  expect(slots.runningCount).toBe(0);
  await settler.asked;

  slots.accept([makeClaimedTask({ taskId: "2" })], { more: false, epoch: 0, askedMs: 0 });
  expect(slots.runningCount).toBe(1);
});

test("no attempt starts while the endings that the database does not take have too many bytes", async () => {
  const settler = new SlowSettler();
  const slots = makeSlots(settler, new WakeUp());
  slots.accept([makeClaimedTask({ taskId: "1" })], { more: false, epoch: 0, askedMs: 0 });
  await settler.asked;

  settler.bytes = 1_000_000_000;
  slots.accept([makeClaimedTask({ taskId: "2" })], { more: false, epoch: 0, askedMs: 0 });
  expect(slots.runningCount).toBe(0);
  expect(slots.plan(performance.now()).claims).toEqual([]);

  settler.bytes = 0;
  settler.answer();
  expect(slots.runningCount).toBe(1);
});

test("the more input waits, the less a claim brings along", () => {
  const slots = makeSlots(new SlowSettler(), new WakeUp());
  const plan = () => slots.plan(performance.now());
  const before = plan();
  const payloadText = JSON.stringify({ text: "x".repeat(2 ** 20) });
  const tasks = Array.from({ length: 20 }, (_, index) =>
    makeClaimedTask({ taskId: String(index), payloadText }),
  );

  // It starts them in the next turn.
  slots.accept(tasks.slice(0, 5), { more: true, epoch: 0, askedMs: 0 });
  const after = plan();

  expect(before.capacity * before.inputBytesMax).toBeLessThanOrEqual(16 * 2 ** 20);
  expect(after.capacity * after.inputBytesMax).toBeLessThanOrEqual(11 * 2 ** 20);
});

/** Says that it settled when the test tells it to. */
class SlowSettler {
  size = 0;
  bytes = 0;
  readonly unsettled = [];
  readonly #asked = Promise.withResolvers<void>();
  #done: (settled: boolean) => void = () => undefined;

  get asked(): Promise<void> {
    return this.#asked.promise;
  }

  settle(_ending: unknown, done: (settled: boolean) => void): void {
    this.#done = done;
    this.#asked.resolve();
  }

  answer(): void {
    this.#done(true);
  }
}

function makeSlots(settler: SlowSettler, changed: WakeUp): Slots {
  return new Slots({
    handlers: new Map([
      ["noop", defineHandler({ payload: z.object({}), run: () => Promise.resolve() })],
    ]),
    concurrency: 10,
    settler,
    host: {
      logger,
      startedAttempts: new StartedAttempts({ capacity: 10 }),
      taskDb: { schema: "triaged", query: () => Promise.resolve([]) },
      graceMs: 1_000,
      resultBytesMax: 1_000,
      loadInput: () => Promise.resolve(null),
      sendProgress: () => undefined,
      onStuck: () => undefined,
    },
    logger,
    changed,
  });
}

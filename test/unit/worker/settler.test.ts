// Goal: endings are recorded in batches, side by side where the database is slower than the
// handlers, and nobody waits for an ending that is recorded already.

import { setImmediate } from "node:timers/promises";
import { pino } from "pino";
import { expect, test } from "vitest";
import type { Database } from "../../../src/database/database.ts";
import { DatabaseLink } from "../../../src/database/reconnect.ts";
import { type Ending, endingOf } from "../../../src/worker/ending.ts";
import { Settler } from "../../../src/worker/settler.ts";

const BATCH = 1_000;
const logger = pino({ enabled: false });

test("a settle takes what collected while the one before was under way", async () => {
  const { settler, statements } = makeSettler();

  settleMany(settler, 1);
  await setImmediate();
  settleMany(settler, 10);
  await setImmediate();
  expect(statements.map(({ count }) => count)).toEqual([1]);
  statements[0]?.answer();
  await setImmediate();

  expect(statements.map(({ count }) => count)).toEqual([1, 10]);
});

test("a full batch that waits is settled beside the one under way, and no third", async () => {
  const { settler, statements } = makeSettler();

  settleMany(settler, BATCH);
  await setImmediate();
  settleMany(settler, 2 * BATCH);
  await setImmediate();

  expect(statements.map(({ count }) => count)).toEqual([BATCH, BATCH]);
  expect(settler.size).toBe(BATCH);
  expect(settler.unsettled).toHaveLength(3 * BATCH);
});

test("a settler is idle when the last of its statements is answered", async () => {
  const { settler, statements } = makeSettler();
  settleMany(settler, BATCH);
  await setImmediate();
  settleMany(settler, BATCH);
  await setImmediate();
  const idle = settler.idle();
  const firstOf = () => Promise.race([idle.then(() => "idle"), setImmediate("busy")]);

  statements[1]?.answer();
  expect(await firstOf()).toBe("busy");
  statements[0]?.answer();
  expect(await firstOf()).toBe("idle");

  expect(settler.unsettled).toEqual([]);
});

test("a caller that settles learns which attempts were no longer held", async () => {
  const { settler, statements } = makeSettler();
  const held: Record<string, boolean> = {};
  for (const taskId of ["1", "2", "3"]) {
    settler.settle(endingFor(taskId), (settled) => {
      held[taskId] = settled;
    });
  }
  await setImmediate();

  statements[0]?.answer(["1", "3"]);
  await settler.idle();

  expect(held).toEqual({ 1: true, 2: false, 3: true });
});

test("a statement takes no more bytes than its limit, but a single ending of any size", async () => {
  const { settler, statements } = makeSettler();
  const mib = 2 ** 20;
  settler.settle(resultOf("1", 20 * mib), () => undefined);
  for (const taskId of ["2", "3", "4"]) {
    settler.settle(resultOf(taskId, 3 * mib), () => undefined);
  }
  await setImmediate();

  // The second one beside it, because more than a whole batch waits.
  expect(statements.map(({ count }) => count)).toEqual([1, 2]);
  expect(settler.bytes).toBeGreaterThan(29 * mib);

  statements[0]?.answer();
  await setImmediate();
  expect(statements.map(({ count }) => count)).toEqual([1, 2, 1]);
  expect(settler.bytes).toBeLessThan(10 * mib);
});

test("an ending that is longer than any string fails its task, and not the worker", async () => {
  const { settler, statements } = makeSettler();
  let isSettled: boolean | null = null;
  const ending = resultOf("1", 10);
  Object.defineProperty(ending, "json", {
    get: () => {
      throw new RangeError("Invalid string length");
    },
  });
  settler.settle(ending, (settled) => {
    isSettled = settled;
  });
  await setImmediate();

  expect(statements[0]?.outcomes).toMatch(/"outcome":"fail".*Invalid string length/);
  statements[0]?.answer();
  await settler.idle();
  expect(isSettled).toBe(true);
});

test("a worker that gives up while the database is away tries once more to settle", async () => {
  const stop = new AbortController();
  const { settler, statements } = makeSettler(stop.signal);

  settleMany(settler, 1);
  await setImmediate();
  statements[0]?.fail(Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" }));
  await setImmediate();
  stop.abort();
  await expect.poll(() => statements.length, { interval: 1 }).toBe(2);
  statements[1]?.answer();

  await settler.idle();
});

type SettleStatement = {
  readonly count: number;
  readonly outcomes: string;
  readonly answer: (held?: string[]) => void;
  readonly fail: (err: Error) => void;
};

/** A settler on a database that answers when the test says so. */
function makeSettler(signal = new AbortController().signal) {
  const statements: SettleStatement[] = [];
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Answers like the one statement.
  const db = {
    schema: "triaged",
    query: ({ values }: { values: readonly unknown[] }) =>
      new Promise((resolve, reject) => {
        const count = Number(values[1]);
        statements.push({
          count,
          outcomes: String(values[0]),
          fail: reject,
          answer: (held) =>
            resolve([
              held === undefined
                ? { count, taskIds: null, attempts: null }
                : { count: held.length, taskIds: held, attempts: held.map(() => 1) },
            ]),
        });
      }),
  } as unknown as Database;
  const settler = new Settler({
    db,
    link: new DatabaseLink(logger),
    logger,
    signal,
    onError: (err) => {
      throw err;
    },
  });
  return { settler, statements };
}

let lastId = 0;

function settleMany(settler: Settler, count: number): void {
  for (let i = 0; i < count; i += 1) {
    lastId += 1;
    settler.settle(endingFor(String(lastId)), () => undefined);
  }
}

function endingFor(taskId: string): Ending {
  return endingOf({ taskId, attempt: 1 }, { outcome: "release" }, { resultBytesMax: 100 });
}

function resultOf(taskId: string, length: number): Ending {
  return endingOf(
    { taskId, attempt: 1 },
    { outcome: "finish", result: "x".repeat(length) },
    { resultBytesMax: 2 * length },
  );
}

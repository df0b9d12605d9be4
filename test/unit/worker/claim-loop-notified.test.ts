// Goal: a worker claims when a notification comes, and nothing after it is told to stop.
// Method: a listener, a database and slots that only say what they were asked.

import { EventEmitter } from "node:events";
import { pino } from "pino";
import { expect, test, vi } from "vitest";
import type { Database } from "../../../src/database/database.ts";
import type { NotificationEvents } from "../../../src/database/listener.ts";
import { DatabaseLink } from "../../../src/database/reconnect.ts";
import { runClaimLoop } from "../../../src/worker/claim-loop.ts";
import { Lanes } from "../../../src/worker/lanes.ts";
import { WakeUp } from "../../../src/worker/wake-up.ts";

const PING = '["default", "ping", 2]';

/** An idle worker of an empty queue, and which statements it made. */
async function idleWorker() {
  const logger = pino({ level: "silent" });
  const stop = new AbortController();
  const statements: string[] = [];
  const answers: (() => void)[] = [];
  let answersAtOnce = true;
  const db: Database = {
    schema: "triaged",
    query: async ({ name = "" }) => {
      statements.push(name);
      if (!answersAtOnce) await new Promise<void>((resolve) => answers.push(resolve));
      return [];
    },
  };
  const listener = Object.assign(new EventEmitter<NotificationEvents>(), {
    armed: false,
    session: db,
    arm: () => {
      listener.armed = true;
      return Promise.resolve(true);
    },
    disarm: () => Promise.resolve(),
  });
  const plan = {
    claims: [{ limit: 1, full: new Set<string>() }],
    capacity: 1,
    inputBytesMax: 1_000,
    isWhole: true,
    epoch: 0,
  };
  const slots = {
    plan: () => plan,
    known: () => [],
    accept: vi.fn<() => void>(),
    releaseWaiting: () => undefined,
    isEmpty: true,
  };
  const ended = runClaimLoop({
    db,
    listener,
    slots,
    lanes: new Lanes(["default"], ["ping"]),
    link: new DatabaseLink(logger),
    health: { state: "healthy", untilUp: () => Promise.resolve() },
    logger,
    workerId: "1",
    pollIntervalMs: 60_000,
    drain: false,
    changed: new WakeUp(),
    signal: stop.signal,
  });
  await vi.waitFor(() => expect(statements).toHaveLength(2));
  answersAtOnce = false;
  return { listener, slots, statements, answer: () => answers.shift()?.(), stop, ended };
}

test("a claim is on its way when a notification has been heard", async () => {
  const { listener, statements, answer, stop, ended } = await idleWorker();

  listener.emit("notified", PING);

  expect(statements).toEqual(["claim_tasks", "claim_tasks", "claim_tasks"]);
  answer();
  stop.abort();
  await ended;
});

test("a claim that is under way at the abort is waited for", async () => {
  const { listener, slots, answer, stop, ended } = await idleWorker();
  slots.accept.mockClear();

  listener.emit("notified", PING);
  stop.abort();

  await expect(Promise.race([ended, nextTurns("waiting")])).resolves.toBe("waiting");
  answer();
  await ended;
  expect(slots.accept).toHaveBeenCalledTimes(1);
});

test("after the abort nothing is claimed, whoever notifies", async () => {
  const { listener, statements, stop, ended } = await idleWorker();

  stop.abort();
  listener.emit("notified", PING);

  await ended;
  expect(statements).toHaveLength(2);
});

async function nextTurns<Value>(value: Value): Promise<Value> {
  for (let turn = 0; turn < 5; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  return value;
}

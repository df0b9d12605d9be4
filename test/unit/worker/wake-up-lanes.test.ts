// Goal: a notified worker looks where tasks came, and everywhere where that is not said.

import { expect, test, vi } from "vitest";
import { laneKey } from "../../../src/worker/lanes.ts";
import { NotifiedLanes } from "../../../src/worker/wake-up.ts";

const PING = laneKey({ queue: "default", taskType: "ping", priority: 2 });
const MAIL = laneKey({ queue: "mails", taskType: "send", priority: 0 });
const POLL_MS = 1_000;

/** Of a worker that looked everywhere at 0 and sleeps since. */
function asleep(): NotifiedLanes {
  const notified = new NotifiedLanes(POLL_MS);
  notified.look({ now: 0, armed: true });
  notified.sleeps({ now: 0, hears: true });
  return notified;
}

test("a sleeper looks into the lanes that were named, once", () => {
  const notified = asleep();
  notified.rang('["default", "ping", 2]');
  notified.rang('["mails", "send", 0]');
  notified.rang('["default", "ping", 2]');

  expect(notified.look({ now: 10, armed: true })).toEqual(new Set([PING, MAIL]));
  notified.sleeps({ now: 11, hears: true });
  expect(notified.look({ now: 12, armed: true })).toBeNull();
});

test.for(["", "{}", '["default", "ping"]', "no JSON"])(
  "after a notification that says %j it looks everywhere",
  (said) => {
    const notified = asleep();
    notified.rang('["default", "ping", 2]');
    notified.rang(said);

    expect(notified.look({ now: 10, armed: true })).toBeNull();
  },
);

test("one that was awake looks everywhere, whatever was named meanwhile", () => {
  const notified = asleep();
  notified.look({ now: 10, armed: true });
  notified.rang('["default", "ping", 2]');

  expect(notified.look({ now: 20, armed: true })).toBeNull();
});

test.for([
  ["has lost its listener since", { hears: true, armed: false }],
  ["was not notified", { hears: false, armed: true }],
] as const)("one that %s looks everywhere", ([, { hears, armed }]) => {
  const notified = asleep();
  notified.look({ now: 10, armed: true });
  notified.sleeps({ now: 11, hears });
  notified.rang('["default", "ping", 2]');

  expect(notified.look({ now: 20, armed })).toBeNull();
});

test("a poll after the last look everywhere comes the next, however often it is notified", () => {
  const notified = asleep();
  for (const now of [400, 800]) {
    notified.rang('["default", "ping", 2]');
    expect(notified.look({ now, armed: true })).toEqual(new Set([PING]));
    notified.sleeps({ now, hears: true });
  }

  expect(notified.everywhereInMs(900)).toBe(100);
  notified.rang('["default", "ping", 2]');
  expect(notified.look({ now: 1_000, armed: true })).toBeNull();
  notified.sleeps({ now: 1_100, hears: true });
  expect(notified.everywhereInMs(1_100)).toBe(POLL_MS);
});

test("of more lanes than a worker is told of it looks everywhere, and reads no more names", () => {
  const notified = asleep();
  const parse = vi.spyOn(JSON, "parse");

  for (let of = 0; of < 10_000; of += 1) notified.rang(`["default", "type ${of}", 2]`);

  expect(parse.mock.calls.length).toBeLessThanOrEqual(100);
  parse.mockRestore();
  expect(notified.look({ now: 10, armed: true })).toBeNull();
});

test("a notification that is longer than any name is not read", () => {
  const notified = asleep();
  const parse = vi.spyOn(JSON, "parse");

  notified.rang(`["default", "${"x".repeat(7_000)}", 2]`);

  expect(parse).not.toHaveBeenCalled();
  parse.mockRestore();
  expect(notified.look({ now: 10, armed: true })).toBeNull();
});

// Goal: a worker that is rung for looks where tasks came, and everywhere where that is not said.

import { expect, test, vi } from "vitest";
import { laneKey } from "../../../src/worker/lanes.ts";
import { NotifiedLanes } from "../../../src/worker/wake-up.ts";

const PING = laneKey({ queue: "default", taskType: "ping", priority: 2 });
const MAIL = laneKey({ queue: "mails", taskType: "send", priority: 0 });
const POLL_MS = 1_000;

/** Of a worker that looked everywhere at 0 and sleeps since. */
function asleep(): NotifiedLanes {
  const rung = new NotifiedLanes(POLL_MS);
  rung.look({ now: 0, armed: true });
  rung.sleeps({ now: 0, hears: true });
  return rung;
}

test("a sleeper looks into the lanes that were named, once", () => {
  const rung = asleep();
  rung.rang('["default", "ping", 2]');
  rung.rang('["mails", "send", 0]');
  rung.rang('["default", "ping", 2]');

  expect(rung.look({ now: 10, armed: true })).toEqual(new Set([PING, MAIL]));
  rung.sleeps({ now: 11, hears: true });
  expect(rung.look({ now: 12, armed: true })).toBeNull();
});

test.for(["", "{}", '["default", "ping"]', "no JSON"])(
  "after a ring that says %j it looks everywhere",
  (said) => {
    const rung = asleep();
    rung.rang('["default", "ping", 2]');
    rung.rang(said);

    expect(rung.look({ now: 10, armed: true })).toBeNull();
  },
);

test("one that was awake looks everywhere, whatever was named meanwhile", () => {
  const rung = asleep();
  rung.look({ now: 10, armed: true });
  rung.rang('["default", "ping", 2]');

  expect(rung.look({ now: 20, armed: true })).toBeNull();
});

test.for([
  ["has lost its bell since", { hears: true, armed: false }],
  ["was not rung for", { hears: false, armed: true }],
] as const)("one that %s looks everywhere", ([, { hears, armed }]) => {
  const rung = asleep();
  rung.look({ now: 10, armed: true });
  rung.sleeps({ now: 11, hears });
  rung.rang('["default", "ping", 2]');

  expect(rung.look({ now: 20, armed })).toBeNull();
});

test("a poll after the last look everywhere comes the next, however often it is rung for", () => {
  const rung = asleep();
  for (const now of [400, 800]) {
    rung.rang('["default", "ping", 2]');
    expect(rung.look({ now, armed: true })).toEqual(new Set([PING]));
    rung.sleeps({ now, hears: true });
  }

  expect(rung.everywhereInMs(900)).toBe(100);
  rung.rang('["default", "ping", 2]');
  expect(rung.look({ now: 1_000, armed: true })).toBeNull();
  rung.sleeps({ now: 1_100, hears: true });
  expect(rung.everywhereInMs(1_100)).toBe(POLL_MS);
});

test("of more lanes than a worker is told of it looks everywhere, and reads no more names", () => {
  const rung = asleep();
  const parse = vi.spyOn(JSON, "parse");

  for (let of = 0; of < 10_000; of += 1) rung.rang(`["default", "type ${of}", 2]`);

  expect(parse.mock.calls.length).toBeLessThanOrEqual(100);
  parse.mockRestore();
  expect(rung.look({ now: 10, armed: true })).toBeNull();
});

test("what is longer than any name is not read", () => {
  const rung = asleep();
  const parse = vi.spyOn(JSON, "parse");

  rung.rang(`["default", "${"x".repeat(7_000)}", 2]`);

  expect(parse).not.toHaveBeenCalled();
  parse.mockRestore();
  expect(rung.look({ now: 10, armed: true })).toBeNull();
});

// Goal: a notified worker looks into the lanes that were named, and into all where none was.

import { expect, test, vi } from "vitest";
import { laneKey } from "../../../src/worker/lanes.ts";
import { NotifiedLanes } from "../../../src/worker/wake-up.ts";

const PING = laneKey({ queue: "default", taskType: "ping", priority: 2 });
const MAIL = laneKey({ queue: "mails", taskType: "send", priority: 0 });
const POLL_MS = 1_000;

/** Of a worker that looked into all lanes at 0 and is idle since. */
function idle(): NotifiedLanes {
  const lanes = new NotifiedLanes(POLL_MS);
  lanes.look({ now: 0, armed: true });
  lanes.rest({ now: 0, isNotified: true });
  return lanes;
}

test("an idle worker looks into the lanes that were named, once", () => {
  const lanes = idle();
  lanes.add('["default", "ping", 2]');
  lanes.add('["mails", "send", 0]');
  lanes.add('["default", "ping", 2]');

  expect(lanes.look({ now: 10, armed: true })).toEqual(new Set([PING, MAIL]));
  lanes.rest({ now: 11, isNotified: true });
  expect(lanes.look({ now: 12, armed: true })).toBeNull();
});

test.for(["", "{}", '["default", "ping"]', "no JSON"])(
  "after a notification of %j it looks into all",
  (payload) => {
    const lanes = idle();
    lanes.add('["default", "ping", 2]');
    lanes.add(payload);

    expect(lanes.look({ now: 10, armed: true })).toBeNull();
  },
);

test("one that was busy looks into all, whatever was named meanwhile", () => {
  const lanes = idle();
  lanes.look({ now: 10, armed: true });
  lanes.add('["default", "ping", 2]');

  expect(lanes.look({ now: 20, armed: true })).toBeNull();
});

test.for([
  ["is not armed any more", { isNotified: true, armed: false }],
  ["was not notified", { isNotified: false, armed: true }],
] as const)("one that %s looks into all", ([, { isNotified, armed }]) => {
  const lanes = idle();
  lanes.look({ now: 10, armed: true });
  lanes.rest({ now: 11, isNotified });
  lanes.add('["default", "ping", 2]');

  expect(lanes.look({ now: 20, armed })).toBeNull();
});

test("a poll after the last look into all comes the next, however often it is notified", () => {
  const lanes = idle();
  for (const now of [400, 800]) {
    lanes.add('["default", "ping", 2]');
    expect(lanes.look({ now, armed: true })).toEqual(new Set([PING]));
    lanes.rest({ now, isNotified: true });
  }

  expect(lanes.allDueInMs(900)).toBe(100);
  lanes.add('["default", "ping", 2]');
  expect(lanes.look({ now: 1_000, armed: true })).toBeNull();
  lanes.rest({ now: 1_100, isNotified: true });
  expect(lanes.allDueInMs(1_100)).toBe(POLL_MS);
});

test("of more lanes than the most it looks into all, and parses no more names", () => {
  const lanes = idle();
  const parse = vi.spyOn(JSON, "parse");

  for (let of = 0; of < 10_000; of += 1) lanes.add(`["default", "type ${of}", 2]`);

  expect(parse.mock.calls.length).toBeLessThanOrEqual(100);
  parse.mockRestore();
  expect(lanes.look({ now: 10, armed: true })).toBeNull();
});

test("a payload that is longer than any name is not parsed", () => {
  const lanes = idle();
  const parse = vi.spyOn(JSON, "parse");

  lanes.add(`["default", "${"x".repeat(7_000)}", 2]`);

  expect(parse).not.toHaveBeenCalled();
  parse.mockRestore();
  expect(lanes.look({ now: 10, armed: true })).toBeNull();
});

// Goal: the protocol of a supervisord event listener, byte by byte.

import { once } from "node:events";
import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { listenEvents, type SupervisorEvent } from "../../../src/supervisor/supervisord-events.ts";

const PAYLOAD =
  "processname:w\u00f6rker_00 groupname:worker from_state:RUNNING expected:0 pid:2766";
const HEADER =
  "ver:3.0 server:supervisor serial:21 pool:rescue poolserial:10 " +
  `eventname:PROCESS_STATE_EXITED len:${Buffer.byteLength(PAYLOAD)}\n`;

function listen() {
  const [input, output] = [new PassThrough(), new PassThrough()];
  const events: SupervisorEvent[] = [];
  const ended = listenEvents({ input, output }, (event) => {
    events.push(event);
    return Promise.resolve();
  });
  ended.catch(() => undefined);
  return { input, output, events, ended };
}

test("an event that comes in pieces is read whole, by bytes, and acknowledged", async () => {
  const { input, output, events, ended } = listen();
  const bytes = Buffer.from(HEADER + PAYLOAD);
  for (let at = 0; at < bytes.length; at += 7) {
    input.write(bytes.subarray(at, at + 7));
  }
  input.end();

  await ended;

  expect(
    events.map(({ name, about }) => [name, about.get("pid"), about.get("processname")]),
  ).toEqual([["PROCESS_STATE_EXITED", "2766", "w\u00f6rker_00"]]);
  expect(String(output.read())).toBe("READY\nRESULT 2\nOKREADY\n");
});

test("events that come in one piece are handled one after the other", async () => {
  const { input, events, ended } = listen();
  input.end(HEADER + PAYLOAD + HEADER + PAYLOAD);

  await ended;

  expect(events).toHaveLength(2);
});

test("it says that it is ready before anything comes", async () => {
  const { input, output, ended } = listen();

  await once(output, "readable");

  expect(String(output.read())).toBe("READY\n");
  input.end();
  await ended;
});

test.for(["triaged work\n", "ver:3.0 eventname:TICK_5 len:many\n", "len:5\n"])(
  "input that is no event is refused: %j",
  async (line) => {
    const { input, ended } = listen();
    input.end(line);

    await expect(ended).rejects.toThrow("expected the header of a supervisord event");
  },
);

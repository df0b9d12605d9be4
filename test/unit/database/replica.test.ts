// Goal: which standby is one of this primary's history, and how old its answers are; by servers
// that say what a test wants. test/process/replica-reads.test.ts has real ones.

import type { Pool } from "pg";
import { pino } from "pino";
import { expect, test, vi } from "vitest";
import { Replica } from "../../../src/database/replica.ts";

const LAG_MS_MAX = 1_000;

/** A server at a position of its log, in bytes. */
type Fake = { standby: boolean; position: string; started: string; cluster: string };

function poolOf(server: Fake): Pool {
  const query = () => Promise.resolve({ rows: [{ ...server, server: "127.0.0.1:5432" }] });
  const pool = { query, connect: () => Promise.resolve({ query, release: () => undefined }) };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- All of a pool that is used.
  return pool as unknown as Pool;
}

function start() {
  vi.useFakeTimers({ toFake: ["performance"] });
  const primary: Fake = { standby: false, position: "100", started: "monday", cluster: "1" };
  const standby: Fake = { standby: true, position: "100", started: "monday", cluster: "1" };
  const replica = new Replica({
    pool: poolOf(standby),
    looks: poolOf(standby),
    primary: poolOf(primary),
    schema: "triaged",
    lagMsMax: LAG_MS_MAX,
    logger: pino({ level: "silent" }),
  });
  return {
    primary,
    standby,
    replica,
    stateAfter: async (ms: number) => {
      vi.advanceTimersByTime(ms);
      await replica.look();
      return replica.status.state;
    },
    read: async (sinceMs?: number) => {
      const options = { role: null, statementMsMax: 1_000, sinceMs };
      const found = await replica.read(options, () => Promise.resolve("told"));
      return "answer" in found ? found.answer : found;
    },
  };
}

test("one that has replayed what the primary had wrote a moment ago is read", async () => {
  const { primary, standby, replica, stateAfter, read } = start();
  expect(await stateAfter(0)).toBe("used");
  primary.position = "200";
  expect(await stateAfter(900)).toBe("used");
  expect(replica.status.lagMs).toBe(900);
  expect(await read()).toBe("told");

  expect(await stateAfter(200)).toBe("behind");
  expect(await read()).toEqual({ by: "primary", reason: "behind" });
  standby.position = "200";

  expect(await stateAfter(0)).toBe("used");
  expect(await read()).toBe("told");
});

test("each read asks its own session: one that is behind by now is not believed", async () => {
  const { primary, standby, stateAfter, read } = start();
  primary.position = "200";
  standby.position = "200";
  await stateAfter(0);
  await stateAfter(LAG_MS_MAX * 2);
  standby.position = "150";

  expect(await read()).toEqual({ by: "primary", reason: "behind" });
});

test("one that has more of a lost primary than the promoted one is not of its history", async () => {
  const { primary, standby, stateAfter, read } = start();
  standby.position = "100";
  await stateAfter(0);
  // Promoted at 90; the other standby had got to 150 already.
  standby.position = "150";
  Object.assign(primary, { position: "95", started: "tuesday" });

  expect(await stateAfter(100)).toBe("not_followed");
  primary.position = "400";
  expect(await stateAfter(100)).toBe("not_followed");
  expect(await read()).toEqual({ by: "primary", reason: "not_followed" });

  // Made anew from the primary, it replays.
  standby.position = "160";
  expect(await stateAfter(100)).toBe("used");
});

test("one that stands where a primary at rest is follows it", async () => {
  const { primary, standby, stateAfter } = start();
  await stateAfter(0);
  Object.assign(primary, { position: "300", started: "tuesday" });
  standby.position = "300";

  expect(await stateAfter(100)).toBe("used");
  expect(await stateAfter(3_600_000)).toBe("used");
});

test.for([
  ["a server that takes writes", { standby: false }],
  ["a standby of another cluster", { cluster: "2" }],
] as const)("%s is no standby", async ([, other]) => {
  const { standby, stateAfter, read } = start();
  await stateAfter(0);
  Object.assign(standby, other);

  expect(await read()).toEqual({ by: "primary", reason: "no_standby" });
  expect(await stateAfter(0)).toBe("no_standby");
});

test("without a note of the primary nothing is read from a standby", async () => {
  const { primary, stateAfter, read } = start();
  await stateAfter(0);
  primary.standby = true;
  vi.advanceTimersByTime(LAG_MS_MAX + 1);

  expect(await read()).toEqual({ by: "primary", reason: "unknown" });
});

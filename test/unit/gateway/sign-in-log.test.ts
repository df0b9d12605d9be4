// Goal: many attempts to come in are few rows, none of which is lost while the database is away.
import type { FastifyRequest } from "fastify";
import { beforeEach, expect, test, vi } from "vitest";
import { SignInLog } from "../../../src/gateway/sign-in-log.ts";
import type { SignIn } from "../../../src/model/audit.ts";

const WINDOW_MS = 60_000;
/** What was written, each as `source ×count`. */
let written: string[] = [];
/** How many of a write are taken; an error while the database is away. */
let takes: number | Error = Infinity;

beforeEach(() => {
  written = [];
  takes = Infinity;
  vi.useFakeTimers();
});

function write(attempts: readonly SignIn[]): Promise<number> {
  if (takes instanceof Error) return Promise.reject(takes);
  const taken = attempts.slice(0, takes);
  written.push(...taken.map(({ source, count }) => `${source} ×${count}`));
  return Promise.resolve(taken.length);
}

function logOf(): SignInLog {
  return new SignInLog({ write, logger: { warn: () => undefined }, windowMs: WINDOW_MS });
}

function requestOf(ip: string): FastifyRequest {
  const request = { ip, method: "GET", routeOptions: { url: "/api/tasks" } };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- As much of it as is looked at.
  return request as unknown as FastifyRequest;
}

function failTimes(log: SignInLog, times: number, ip = "10.0.0.1"): void {
  for (let at = 0; at < times; at += 1) log.failed(requestOf(ip), "unknown_key");
}

test("the first attempt is written at once, the others of its minute with their count", async () => {
  const log = logOf();
  failTimes(log, 1);
  await vi.advanceTimersByTimeAsync(0);
  expect(written).toEqual(["10.0.0.1 ×1"]);

  failTimes(log, 5_000);
  await vi.advanceTimersByTimeAsync(WINDOW_MS);
  expect(written).toEqual(["10.0.0.1 ×1", "10.0.0.1 ×5000"]);

  await vi.advanceTimersByTimeAsync(10 * WINDOW_MS);
  expect(written).toHaveLength(2);
});

test("a thousand addresses in a minute are 20 rows, and one for the others", async () => {
  const log = logOf();
  for (let at = 0; at < 1_000; at += 1) failTimes(log, 1, `10.0.${at >> 8}.${at & 255}`);
  await vi.advanceTimersByTimeAsync(WINDOW_MS);

  expect(written).toHaveLength(21);
  expect(written.at(-1)).toBe("others ×980");
});

test("attempts that the database does not take wait for the next minute", async () => {
  const log = logOf();
  takes = new Error("away");
  failTimes(log, 3);
  await vi.advanceTimersByTimeAsync(WINDOW_MS);
  takes = 0;
  failTimes(log, 2);
  await vi.advanceTimersByTimeAsync(WINDOW_MS);
  expect(written).toEqual([]);

  takes = Infinity;
  await vi.advanceTimersByTimeAsync(WINDOW_MS);
  expect(written).toEqual(["10.0.0.1 ×5"]);
});

test("a gateway that closes writes what waits", async () => {
  const log = logOf();
  failTimes(log, 4);
  await log.close();
  failTimes(log, 4);
  await vi.advanceTimersByTimeAsync(WINDOW_MS);

  expect(written).toEqual(["10.0.0.1 ×4"]);
});

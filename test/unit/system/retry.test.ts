// Goal: what keeps failing is tried again after growing delays, and not after it is told to stop.

import { expect, test, vi } from "vitest";
import { RetryDelay, retry } from "../../../src/system/retry.ts";

const DELAYS = { baseMs: 100, maxMs: 1_000, jitter: 0 };
const always = () => true;

test("a delay doubles up to the longest, and is the first again when it works", () => {
  const delay = new RetryDelay(DELAYS);

  expect(Array.from({ length: 6 }, () => delay.nextMs())).toEqual([
    100, 200, 400, 800, 1_000, 1_000,
  ]);
  delay.reset();
  expect(delay.nextMs()).toBe(100);
});

test("chance shortens a delay by half at most, the longest one too", () => {
  const delay = new RetryDelay({ baseMs: 100, maxMs: 100 });

  expect(delay.nextMs(() => 0)).toBe(100);
  expect(delay.nextMs(() => 0.5)).toBe(75);
  expect(delay.nextMs(() => 1)).toBe(50);
});

test("work that fails for a while resolves in the end", async () => {
  const work = vi.fn<() => Promise<string>>(() => Promise.resolve("done"));
  work.mockRejectedValueOnce(new Error("one")).mockRejectedValueOnce(new Error("two"));
  const failures: number[] = [];
  const mayPass = (_err: unknown, count: number) => failures.push(count) > 0;
  const { signal } = new AbortController();

  const result = retry(work, { delays: { ...DELAYS, baseMs: 1, maxMs: 1 }, signal, mayPass });

  await expect(result).resolves.toBe("done");
  expect(failures).toEqual([1, 2]);
});

test("failures count from the last time that it worked", async () => {
  const failures: number[] = [];
  let tries = 0;
  const work = (works: () => void) => {
    tries += 1;
    if (tries === 3) works();
    return Promise.reject(new Error(`try ${tries}`));
  };
  const mayPass = (_err: unknown, count: number) => failures.push(count) < 4;
  const { signal } = new AbortController();

  const result = retry(work, { delays: { ...DELAYS, baseMs: 1, maxMs: 1 }, signal, mayPass });

  await expect(result).rejects.toThrow("try 4");
  expect(failures).toEqual([1, 2, 1, 2]);
});

test("an error that does not pass is thrown at once", async () => {
  const work = vi.fn<() => Promise<never>>(() => Promise.reject(new Error("no such table")));
  const { signal } = new AbortController();

  const result = retry(work, { delays: DELAYS, signal, mayPass: () => false });

  await expect(result).rejects.toThrow("no such table");
  expect(work).toHaveBeenCalledTimes(1);
});

test("nothing is tried after the abort, which ends a delay", async () => {
  const stop = new AbortController();
  const work = vi.fn<() => Promise<never>>(() => Promise.reject(new Error("lost")));

  const result = retry(work, {
    delays: { baseMs: 60_000, maxMs: 60_000 },
    signal: stop.signal,
    mayPass: always,
  });
  await vi.waitFor(() => expect(work).toHaveBeenCalledTimes(1));
  stop.abort();

  await expect(result).rejects.toThrow("lost");
  expect(work).toHaveBeenCalledTimes(1);
});

test("one last try follows an abort that cuts a delay short, where it is asked for", async () => {
  const stop = new AbortController();
  const work = vi
    .fn<() => Promise<string>>()
    .mockRejectedValueOnce(new Error("lost"))
    .mockResolvedValue("saved");

  const result = retry(work, {
    delays: { baseMs: 60_000, maxMs: 60_000 },
    signal: stop.signal,
    mayPass: always,
    triesOnAbort: true,
  });
  await vi.waitFor(() => expect(work).toHaveBeenCalledTimes(1));
  stop.abort();

  await expect(result).resolves.toBe("saved");
});

test("a retry that is told to stop already tries once, and does not ask whether the error may pass", async () => {
  const mayPass = vi.fn<() => boolean>(always);

  const result = retry(() => Promise.reject(new Error("lost")), {
    delays: DELAYS,
    signal: AbortSignal.abort(),
    mayPass,
  });

  await expect(result).rejects.toThrow("lost");
  expect(mayPass).not.toHaveBeenCalled();
});

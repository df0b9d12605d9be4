// Goal: nothing that happens is missed by the loop that waits for it.

import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { WakeUp } from "../../../src/worker/wake-up.ts";

async function isOver(waiting: Promise<void>): Promise<boolean> {
  return await Promise.race([waiting.then(() => true), nextTurn(false)]);
}

test("a wake-up before a wait ends that one, and not the next", async () => {
  const flag = new WakeUp();
  flag.raise();

  expect(await isOver(flag.wait())).toBe(true);
  expect(await isOver(flag.wait())).toBe(false);
});

test("a wake-up during a wait ends that one, and not the next", async () => {
  const flag = new WakeUp();
  const waiting = flag.wait();
  flag.raise();

  expect(await isOver(waiting)).toBe(true);
  expect(await isOver(flag.wait())).toBe(false);
});

test("a second wake-up before the loop goes on is for its next wait", async () => {
  const flag = new WakeUp();
  const waiting = flag.wait();
  flag.raise();
  flag.raise();

  expect(await isOver(waiting)).toBe(true);
  expect(await isOver(flag.wait())).toBe(true);
});

test("a wake-up that was forgotten ends no wait", async () => {
  const flag = new WakeUp();
  flag.raise();
  flag.lower();

  expect(await isOver(flag.wait())).toBe(false);
});

test("a waiter hears of a wake-up before raise returns, once", async () => {
  const flag = new WakeUp();
  const onRaise = vi.fn<() => void>();
  const waiting = flag.wait(60_000, onRaise);
  expect(onRaise).not.toHaveBeenCalled();

  flag.raise();
  expect(onRaise).toHaveBeenCalledTimes(1);
  flag.raise();
  await waiting;
  expect(onRaise).toHaveBeenCalledTimes(1);
});

test("a wait that was given up leaves a later one alone when its time is over", async () => {
  const flag = new WakeUp();
  const abandoned = flag.wait(1);
  const waiting = flag.wait();

  await abandoned;
  flag.raise();

  expect(await isOver(waiting)).toBe(true);
});

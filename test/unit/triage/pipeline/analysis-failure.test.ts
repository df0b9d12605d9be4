import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { PermanentError } from "../../../../src/model/outcome.ts";
import { faultOf } from "../../../../src/triage/pipeline/analysis-failure.ts";

function thrownBy(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error("expected it to throw");
}

const descend = (): number => descend() + 1;

test.for([
  ["the end of the stack", () => descend(), "too much"],
  ["a text that is too long", () => "x".repeat(2 ** 30), "too much"],
  ["an array that is too long", () => Array.from({ length: 2 ** 32 }), "too much"],
  ["a failed assertion of the compiler", () => fail(new Error("Debug Failure. x")), "too much"],
  ["a file that is gone", () => readFileSync("/nowhere"), "machine"],
  ["a folder in a file's place", () => readFileSync("/"), "machine"],
  ["a full disk", () => fail(withNumber("ENOSPC", -28)), "machine"],
  [
    "no memory for a buffer",
    () => fail(new RangeError("Array buffer allocation failed")),
    "machine",
  ],
  ["what the rules refuse", () => fail(new PermanentError("no package.json")), "permanent"],
  ["a mistake of ours", () => fail(new TypeError("x is not a function")), "permanent"],
] as const)("%s is told apart", ([, run, fault]) => {
  expect(faultOf(thrownBy(run))).toBe(fault);
});

function fail(error: Error): never {
  throw error;
}

function withNumber(code: string, errno: number): Error {
  return Object.assign(new Error(code), { code, errno });
}

// Goal: what a handler says is permanent ends its task, in whatever phase of the attempt.

import { expect, test } from "vitest";
import { z } from "zod";
import { defineHandler } from "../../../src/model/handler.ts";
import { PermanentError } from "../../../src/model/outcome.ts";
import {
  type AbortKind,
  AttemptAborted,
  errorText,
  outcomeOfThrown,
} from "../../../src/worker/failure.ts";
import { makeClaimedTask } from "../../support/handlers.ts";

class TooBig extends PermanentError {
  // @ts-expect-error -- The name of the class above is a literal; a subclass may well say another.
  override readonly name = "TooBig";
}

const permanent = new PermanentError("the same input takes the same memory each time");

test.for([
  { when: "before any abort", aborted: null },
  { when: "after its timeout, which it met with a limit of its own", aborted: "timeout" },
  { when: "while its worker stops", aborted: "shutdown" },
] as const)("a PermanentError that is thrown $when fails the task", ({ aborted }) => {
  expect(outcomeOf(permanent, aborted)).toMatchObject({
    outcome: "fail",
    error: "PermanentError: the same input takes the same memory each time",
  });
});

test("a subclass of PermanentError is permanent under its own name too", () => {
  expect(outcomeOf(new TooBig("a union of 300,000 members"), null)).toMatchObject({
    outcome: "fail",
    error: "TooBig: a union of 300,000 members",
  });
});

test("one that says no more than that its worker stops gives the task back", () => {
  const wrapped = new PermanentError("cannot work", {
    cause: new AttemptAborted("shutdown", "the worker is stopping"),
  });

  expect(outcomeOf(wrapped, "shutdown")).toEqual({ outcome: "release" });
});

test("a task that a person cancelled is cancelled, whatever its handler says", () => {
  expect(outcomeOf(permanent, "cancel")).toMatchObject({ outcome: "cancelled" });
});

function outcomeOf(thrown: unknown, kind: AbortKind | null) {
  return outcomeOfThrown(thrown, {
    task: makeClaimedTask(),
    handler: defineHandler({ payload: z.object({}), run: () => Promise.resolve() }),
    aborted: kind === null ? null : new AttemptAborted(kind, kind),
  });
}

test("a cause that its error begins with is not told twice", () => {
  const cause = new Error("no such repository", { cause: new TypeError("no such file") });
  const hinted = new Error("no such repository; hint: register it", { cause });

  expect(errorText(hinted)).toBe(
    "Error: no such repository; hint: register it\ncaused by TypeError: no such file",
  );
});

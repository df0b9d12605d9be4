import { expect, test } from "vitest";
import type { Note } from "../../../src/model/outcome.ts";
import { endingOf } from "../../../src/worker/ending.ts";

function endingWith(detail: Note) {
  const outcome = { outcome: "finish", result: { a: 1 }, detail } as const;
  return endingOf({ taskId: "7", attempt: 2 }, outcome, { resultBytesMax: 1_000 });
}

test("a note goes along with the result", () => {
  expect(JSON.parse(endingWith({ cache: "hit" }).json)).toEqual({
    task_id: 7,
    attempt: 2,
    outcome: "finish",
    result: { a: 1 },
    detail: { cache: "hit" },
  });
});

test.for([
  ["too long", "x".repeat(5_000)],
  ["nothing that can be stored", "a\u0000b"],
] as const)("a note that is %s fails the attempt for good", ([, text]) => {
  expect(endingWith({ text }).outcome).toBe("fail");
});

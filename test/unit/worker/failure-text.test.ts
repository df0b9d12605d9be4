import { expect, test } from "vitest";
import { errorText } from "../../../src/worker/failure.ts";

test("a cause that its error begins with is not told twice", () => {
  const cause = new Error("no such repository", { cause: new TypeError("no such file") });
  const hinted = new Error("no such repository; hint: register it", { cause });

  expect(errorText(hinted)).toBe(
    "Error: no such repository; hint: register it\ncaused by TypeError: no such file",
  );
});

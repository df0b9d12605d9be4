import path from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import { burnDown } from "../../../bench/contestants/burn-down.ts";
import { startChild } from "../../../bench/frame/child.ts";

const REPORT = pathToFileURL(
  path.join(import.meta.dirname, "..", "..", "..", "bench", "frame", "report.ts"),
).href;

/** A process whose handler is called so often, for a backlog of `of`, and that exits at once. */
function startCalling(calls: number, of: number) {
  const script = `
    import { countCall } from "${REPORT}";
    for (let call = 0; call < ${calls}; call++) countCall(${of});
    process.exit();
  `;
  return startChild(["--input-type=module", "--eval", script], {});
}

/** A backlog that is empty as soon as somebody looks. */
function backlogOf(calls: readonly number[], of: number) {
  const left = [...calls];
  return {
    startDraining: () => startCalling(left.shift() ?? 0, of),
    isEmpty: () => Promise.resolve(true),
    check: () => Promise.resolve(),
  };
}

describe("the burn-down of a bench", () => {
  test("counts the handlers of two processes together", async () => {
    const perSecond = await burnDown(backlogOf([300, 200], 500), {
      count: 500,
      processes: 2,
      isDraining: true,
    });

    expect(perSecond).toBeGreaterThan(0);
  });

  test("ends with an error when a handler was called once too often", async () => {
    const measured = burnDown(backlogOf([300, 201], 500), {
      count: 500,
      processes: 2,
      isDraining: true,
    });

    await expect(measured).rejects.toThrow("expected 500 calls of the handlers, got 501");
  });

  test("ends with an error when a worker does", async () => {
    const measured = burnDown(
      {
        ...backlogOf([], 500),
        startDraining: () => startChild(["--eval", "process.exit(3)"], {}),
      },
      { count: 500, processes: 2, isDraining: true },
    );

    await expect(measured).rejects.toThrow("got code 3");
  });
});

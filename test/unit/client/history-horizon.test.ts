// Goal: an id is passed when nobody is left who could still commit a row before it, not earlier.

import { expect, test } from "vitest";
import { HistoryHorizon } from "../../../src/client/history-horizon.ts";

/** One look after the other; what is passed after each. */
function passedAfter(
  looks: readonly { drawn: number; writers?: string[]; prepared?: string[] }[],
): number[] {
  const horizon = new HistoryHorizon(0n);
  return looks.map(({ drawn, writers = [], prepared = [] }) =>
    Number(horizon.note({ drawnId: BigInt(drawn), writers, prepared })),
  );
}

test("without writers the newest id is passed", () => {
  expect(passedAfter([{ drawn: 5 }, { drawn: 9 }])).toEqual([5, 9]);
});

test("an id waits for those that wrote when it was the newest, and for no later ones", () => {
  const passed = passedAfter([
    { drawn: 5, writers: ["3/1"] },
    { drawn: 8, writers: ["3/1", "4/1"] },
    { drawn: 9, writers: ["4/1", "5/1"] },
    { drawn: 9, writers: ["5/1"] },
    { drawn: 9 },
  ]);

  expect(passed).toEqual([0, 0, 5, 8, 9]);
});

test("while one stays, others come and go, and all is passed at its end", () => {
  const looks = Array.from({ length: 100 }, (_, n) => ({
    drawn: n + 1,
    writers: ["3/1", `4/${n}`],
  }));

  expect(passedAfter([...looks, { drawn: 101, writers: ["9/1"] }]).at(-1)).toBe(100);
});

test("a writer that is prepared under another name is waited for", () => {
  const passed = passedAfter([
    { drawn: 5, writers: ["3/1"] },
    { drawn: 6, writers: ["-1/700"], prepared: ["-1/700"] },
    { drawn: 7, writers: ["-1/700", "4/1"], prepared: ["-1/700"] },
    { drawn: 7 },
  ]);

  expect(passed).toEqual([0, 0, 0, 7]);
});

test("one that was prepared before holds back nothing that came before it", () => {
  const passed = passedAfter([
    { drawn: 5, writers: ["3/1"] },
    { drawn: 6, writers: ["3/1", "-1/700"], prepared: ["-1/700"] },
    { drawn: 7, writers: ["-1/700"], prepared: ["-1/700"] },
  ]);

  expect(passed).toEqual([0, 0, 5]);
});

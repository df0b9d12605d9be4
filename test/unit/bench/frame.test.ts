import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import type { Measurement, Row } from "../../../bench/frame/bench.ts";
import { processorSeconds, residentMegabytes } from "../../../bench/frame/processes.ts";
import { cellsOf } from "../../../bench/frame/render.ts";

const BUSY_SECONDS = 0.2;
/** The kernel counts in hundredths of a second, and cuts off. */
const SEEN_SECONDS = 0.15;
const BUSY = `while (process.cpuUsage().user < ${BUSY_SECONDS * 1e6});`;

function row(group: string, contestant: string, cost: number): Row {
  return { group, contestant, settings: "", values: { cost: [cost] } };
}

test("a ratio compares with the first row of its own group", () => {
  const measurement: Measurement = {
    columns: [{ key: "cost", title: "cost", digits: 0, ratio: { of: "cost", title: "ratio" } }],
    rows: [
      row("slow", "ours", 1),
      row("slow", "theirs", 2),
      row("fast", "ours", 9),
      row("fast", "theirs", 3),
    ],
  };

  expect(cellsOf(measurement).cells).toEqual([
    ["slow: ours", "1", ""],
    ["slow: theirs", "2", "× 0.50"],
    ["fast: ours", "9", ""],
    ["fast: theirs", "3", "× 3.00"],
  ]);
});

test.runIf(process.platform === "linux")(
  "the processor time of a process has that of a child that ended",
  async () => {
    const before = processorSeconds(process.pid);
    const child = spawn(process.execPath, ["-e", BUSY]);
    await once(child, "close");

    expect(processorSeconds(process.pid) - before).toBeGreaterThan(SEEN_SECONDS);
  },
);

test.runIf(process.platform === "linux")(
  "the processor time of a process has that of a child that runs",
  async () => {
    const before = processorSeconds(process.pid);
    const child = spawn(process.execPath, [
      "-e",
      `${BUSY} console.log("busy no more"); setInterval(() => {}, 1_000)`,
    ]);
    try {
      await once(child.stdout, "data");

      expect(processorSeconds(process.pid) - before).toBeGreaterThan(SEEN_SECONDS);
    } finally {
      child.kill();
      await once(child, "close");
    }
  },
);

test("a process that is gone has no processor time and no memory", async () => {
  const child = spawn(process.execPath, ["-e", ""]);
  await once(child, "close");

  expect(() => processorSeconds(child.pid ?? 0)).toThrow("it is gone");
  expect(() => residentMegabytes(child.pid ?? 0)).toThrow("ENOENT");
});

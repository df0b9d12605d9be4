import { once } from "node:events";
import { createServer } from "node:http";
import { pino } from "pino";
import { expect, test, vi } from "vitest";
import { startMetrics } from "../../../src/metrics/metrics-server.ts";

function linesOfLog() {
  const lines: { msg: string; port: number }[] = [];
  const logger = pino({ level: "info" }, { write: (line) => void lines.push(JSON.parse(line)) });
  return { lines, logger };
}

async function portIn(lines: readonly { msg: string; port: number }[]): Promise<number> {
  return await vi.waitUntil(() => lines.find(({ msg }) => msg.startsWith("metrics at"))?.port, {
    timeout: 10_000,
  });
}

test("a worker's port serves metrics, and nothing else", async () => {
  const { lines, logger } = linesOfLog();
  const address = { host: "127.0.0.1", port: 0 };
  const { close } = startMetrics({ process: "worker", address, logger });
  const url = `http://127.0.0.1:${await portIn(lines)}`;

  const metrics = await fetch(`${url}/metrics`);
  const others = [
    await fetch(`${url}/`),
    await fetch(`${url}/metrics/x`),
    await fetch(`${url}/metrics`, { method: "POST" }),
  ];

  expect([metrics.status, metrics.headers.get("content-type")]).toEqual([
    200,
    "text/plain; version=0.0.4; charset=utf-8",
  ]);
  expect(await metrics.text()).toContain("triaged_worker_slots");
  expect(others.map(({ status }) => status)).toEqual([404, 404, 405]);
  await close();
  await expect(fetch(`${url}/metrics`)).rejects.toThrow("fetch failed");
});

test("a port that is taken is told once, and tried again", async () => {
  const other = createServer();
  other.listen(0, "127.0.0.1");
  await once(other, "listening");
  const taken = other.address();
  const port = typeof taken === "object" && taken !== null ? taken.port : 0;
  const { lines, logger } = linesOfLog();
  const { close } = startMetrics({
    process: "worker",
    address: { host: "127.0.0.1", port },
    logger,
  });
  await vi.waitUntil(() => lines.some(({ msg }) => msg.includes("cannot be served yet")));
  other.close();

  expect(await portIn(lines)).toBe(port);
  expect(lines).toHaveLength(2);
  await close();
});

test("without a port nothing is served", async () => {
  const { lines, logger } = linesOfLog();
  const { close } = startMetrics({ process: "worker", address: null, logger });

  await close();

  expect(lines).toEqual([]);
});

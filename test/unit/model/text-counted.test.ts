// Goal: numbers and their nouns agree, wherever they are told.

import { expect, test } from "vitest";
import { judgePartitions } from "../../../src/doctor/partitions.ts";
import { judgeConnections } from "../../../src/doctor/sessions.ts";
import { judgeHolders } from "../../../src/doctor/vacuum.ts";
import { judgeWorkers } from "../../../src/doctor/workers.ts";
import { counted } from "../../../src/model/text.ts";

const silent = { worker_id: 7, name: "w", host: "h", pid: 1, silent_seconds: 20 };

const TOLD: readonly (readonly [says: string, told: () => string | undefined])[] = [
  ["0 tasks", () => counted(0, "task")],
  ["1 task", () => counted(1, "task")],
  ["2 tasks", () => counted(2, "task")],
  ["1 task", () => counted("1", "task")],
  ["1000 or more tasks", () => counted("1000 or more", "task")],
  ["1 entry", () => counted(1, "entry", "entries")],
  ["2 entries", () => counted(2, "entry", "entries")],
  ["holds 1 task", () => judgeWorkers({ alive: 1, silent: [{ ...silent, held: 1 }] })[1]?.found],
  ["holds 2 tasks", () => judgeWorkers({ alive: 1, silent: [{ ...silent, held: 2 }] })[1]?.found],
  ["1 session of others shows nothing", () => judgeHolders([], 1)[0]?.found],
  ["2 sessions of others show nothing", () => judgeHolders([], 2)[0]?.found],
  ["1 worker and the jobs", () => connections(1)],
  ["2 workers and the jobs", () => connections(2)],
  ["them 1 day ahead, 1 row in", () => partitions(1)],
  ["them 2 days ahead, 2 rows in", () => partitions(2)],
];

function connections(workers_alive: number): string {
  const facts = { max_connections: 10, reserved: 3, in_use: 5, workers_alive };
  return judgeConnections(facts, { max: 10 }).found;
}

function partitions(count: number): string {
  return judgePartitions({
    table_name: "task_history",
    has_today: true,
    days_ahead: count,
    stray_rows: count,
  }).found;
}

test.for(TOLD)("%s", ([says, told]) => {
  expect(` ${told()} `).toMatch(new RegExp(`(?:^|\\s)${says}(?:\\W|$)`));
});

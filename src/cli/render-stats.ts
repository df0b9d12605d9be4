import type { Depth, Statistics, WorkerActivity } from "../postgres/stats-store.ts";
import { formatDuration, formatTime } from "./format.ts";
import { type Cell, renderTable } from "./table.ts";

export type Stats = {
  readonly depth: readonly Depth[];
  readonly statistics: readonly Statistics[];
  readonly workers: readonly WorkerActivity[];
  readonly attention: Readonly<Record<string, number>>;
};

/** What `triaged stats` shows a person. */
export function renderStats({ depth, statistics, workers, attention }: Stats): string {
  const waiting = Object.entries(attention).map(([reason, count]) => `${count} ${reason}`);
  return [
    section(
      "Waiting and running",
      ["queue", "type", "status", "tasks", "due", "oldest due", "paused"],
      depth.map((row) => [
        row.queue,
        row.task_type,
        row.status,
        row.count,
        row.due,
        inSeconds(row.oldest_age_seconds),
        formatTime(row.paused_at),
      ]),
    ),
    section(
      "Ended in 24 hours",
      ["type", "status", "tasks", "share", "wait p50", "wait p95", "run p50", "run p95", "last"],
      statistics.map((row) => [
        row.task_type,
        row.status,
        row.count,
        `${(row.share * 100).toFixed(1)} %`,
        inSeconds(row.wait_seconds_p50),
        inSeconds(row.wait_seconds_p95),
        inSeconds(row.run_seconds_p50),
        inSeconds(row.run_seconds_p95),
        formatTime(row.last_completed),
      ]),
    ),
    section(
      "Workers",
      ["worker", "name", "state", "running", "of", "queues", "types"],
      workers.map((row) => [
        Number(row.worker_id),
        row.name,
        row.state,
        row.held,
        row.concurrency,
        row.queues.join(", "),
        row.task_types.join(", "),
      ]),
    ),
    waiting.length === 0
      ? "Nothing waits for a person.\n"
      : `For a person: ${waiting.join(", ")}. select * from attention; triaged list --status …\n`,
  ].join("\n");
}

function section(title: string, headings: readonly string[], rows: readonly Cell[][]): string {
  return `${title}\n${rows.length === 0 ? "none\n" : renderTable(headings, rows)}`;
}

function inSeconds(seconds: number | null): string | null {
  return seconds === null ? null : formatDuration(seconds * 1000);
}

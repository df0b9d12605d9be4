import { setTimeout as delay } from "node:timers/promises";
import { type Database, ping } from "../../database/database.ts";
import { DatabaseHealth, type HealthState } from "../../database/health.ts";
import {
  attentionCounts,
  liveWorkers,
  queueDepth,
  taskStatistics,
} from "../../database/monitoring.ts";
import type { Depth, Statistics, WorkerActivity } from "../../database/rows.ts";
import { isTransient } from "../../database/sqlstate.ts";
import { createLogger } from "../../system/logger.ts";
import { defineCommand } from "../terminal/command.ts";
import {
  type Cell,
  formatDuration,
  formatTime,
  print,
  printJson,
  renderTable,
  withNumericIds,
} from "../terminal/output.ts";
import { duration } from "../terminal/parsing.ts";
import { withDatabase } from "../terminal/with-database.ts";

const PAUSE_MS = 2_000;
const CLEAR_SCREEN = "\u001b[H\u001b[2J";

export const statsCommand = defineCommand({
  name: "stats",
  summary: "show what waits, what runs, what ended in 24 hours, and the workers",
  args: [],
  options: {
    watch: { short: "w", about: "draw it again and again, until Ctrl-C" },
    every: { value: "DURATION", about: "with --watch: how often (default 2s)", schema: duration() },
    json: { about: "print one JSON object: database, depth, statistics, workers, attention" },
  },
  examples: [
    ["stats", "one look"],
    ["stats --watch", "a look every two seconds"],
    ["stats --json | jq '.depth[] | select(.due > 0)'", "where work waits, for a program"],
  ],
  run: ({ flags }) =>
    withDatabase(async ({ db }) => {
      const logger = createLogger({ level: "silent", name: "stats" });
      const health = new DatabaseHealth({ ask: () => ping(db), logger });
      const show = (current: Stats) => {
        if (flags.json) {
          printJson({ ...current, workers: current.workers.map(withNumericIds) });
        } else {
          if (flags.watch && process.stdout.isTTY) {
            process.stdout.write(CLEAR_SCREEN);
          }
          print(renderStats(current));
        }
      };
      if (flags.watch) {
        await watch({ db, health }, flags.every ?? PAUSE_MS, show);
      } else {
        show(await readStats({ db, health }));
      }
      return 0;
    }),
});

type Looked = { readonly db: Database; readonly health: DatabaseHealth };

async function readStats({ db, health }: Looked): Promise<Stats> {
  await health.check();
  return {
    database: health.state,
    depth: await queueDepth(db),
    statistics: await taskStatistics(db),
    workers: await liveWorkers(db),
    attention: await attentionCounts(db),
  };
}

/** Until Ctrl-C. A database that goes away is waited for. */
async function watch(looked: Looked, pauseMs: number, show: (stats: Stats) => void): Promise<void> {
  const interrupt = new AbortController();
  process.once("SIGINT", () => interrupt.abort());
  while (!interrupt.signal.aborted) {
    try {
      show(await readStats(looked));
    } catch (err) {
      if (!isTransient(err)) {
        throw err;
      }
      process.stderr.write(`the database is ${looked.health.state}; trying again\n`);
    }
    await delay(pauseMs, undefined, { signal: interrupt.signal }).catch(() => undefined);
  }
}

type Stats = {
  readonly database: HealthState;
  readonly depth: readonly Depth[];
  readonly statistics: readonly Statistics[];
  readonly workers: readonly WorkerActivity[];
  readonly attention: Readonly<Record<string, number>>;
};

/** What `triaged stats` shows a person. */
function renderStats({ database, depth, statistics, workers, attention }: Stats): string {
  const waiting = Object.entries(attention).map(([reason, count]) => `${count} ${reason}`);
  return [
    `The database is ${database}.\n`,
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

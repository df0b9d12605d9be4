import { setTimeout as delay } from "node:timers/promises";
import type { Database } from "../postgres/database.ts";
import { isTransient } from "../postgres/sqlstate.ts";
import {
  attentionCounts,
  liveWorkers,
  queueDepth,
  taskStatistics,
} from "../postgres/stats-store.ts";
import { defineCommand } from "./command.ts";
import { print, printJson, withNumericIds } from "./print.ts";
import { renderStats, type Stats } from "./render-stats.ts";
import { duration } from "./values.ts";
import { withDatabase } from "./with-database.ts";

const PAUSE_MS = 2_000;
const CLEAR_SCREEN = "\u001b[H\u001b[2J";

export const stats = defineCommand({
  name: "stats",
  summary: "show what waits, what runs, what ended in 24 hours, and the workers",
  args: [],
  options: {
    watch: { short: "w", about: "draw it again and again, until Ctrl-C" },
    every: { value: "DURATION", about: "with --watch: how often (default 2s)", schema: duration() },
    json: { about: "print one JSON object: depth, statistics, workers, attention" },
  },
  examples: [
    ["stats", "one look"],
    ["stats --watch", "a look every two seconds"],
    ["stats --json | jq '.depth[] | select(.due > 0)'", "where work waits, for a program"],
  ],
  run: ({ flags }) =>
    withDatabase(async ({ db }) => {
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
        await watch(db, flags.every ?? PAUSE_MS, show);
      } else {
        show(await readStats(db));
      }
      return 0;
    }),
});

async function readStats(db: Database): Promise<Stats> {
  return {
    depth: await queueDepth(db),
    statistics: await taskStatistics(db),
    workers: await liveWorkers(db),
    attention: await attentionCounts(db),
  };
}

/** Until Ctrl-C. A database that goes away is waited for. */
async function watch(db: Database, pauseMs: number, show: (stats: Stats) => void): Promise<void> {
  const interrupt = new AbortController();
  process.once("SIGINT", () => interrupt.abort());
  while (!interrupt.signal.aborted) {
    try {
      show(await readStats(db));
    } catch (err) {
      if (!isTransient(err)) {
        throw err;
      }
      process.stderr.write("the database does not answer; trying again\n");
    }
    await delay(pauseMs, undefined, { signal: interrupt.signal }).catch(() => undefined);
  }
}

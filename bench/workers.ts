import { onPostgres, type PostgresDrainer } from "./contestants/backlog.ts";
import { burnDown } from "./contestants/burn-down.ts";
import type { SqlContestant } from "./contestants/contestant.ts";
import { BATCHED, graphileWorker } from "./contestants/graphile-worker.ts";
import { withPeers } from "./contestants/peers.ts";
import { pgBoss } from "./contestants/pg-boss.ts";
import { triaged } from "./contestants/triaged.ts";
import type { Bench, Row } from "./frame/bench.ts";
import type { Child } from "./frame/child.ts";
import { withClient } from "./frame/databases.ts";
import { postmasterOf, processorSeconds } from "./frame/processes.ts";
import { inRounds } from "./frame/rounds.ts";
import { walBytes } from "./frame/server-counters.ts";
import type { Stage } from "./frame/stage.ts";

const CONCURRENCY = 24;
/** As in `throughput`. */
const BOSS = { fetchers: 4, batch: 500 };
const PROCESSES = [1, 2, 4, 8, 16] as const;
/** Fewer tasks for each process are over before the last one has started. */
const TASKS_OF_PROCESS_MIN = 500;

export const workers: Bench = {
  name: "workers",
  question: "How many no-op tasks a second do processes work off that start together?",
  tasksAre: "no-op tasks that wait when the workers start",
  sizes: { full: { rounds: 5, tasks: 200_000 }, smoke: { rounds: 1, tasks: 1_000 } },
  measure: async (stage, { rounds, tasks }) => ({
    columns: [
      {
        key: "perSecond",
        title: "tasks/s",
        digits: 0,
        ratio: { of: "perSecond", title: "triaged by this" },
      },
      {
        key: "cpu",
        title: "CPU of server and workers, us a task",
        digits: 1,
        ratio: { of: "cpu", title: "triaged by this" },
      },
      { key: "workerCpu", title: "of which workers", digits: 1 },
      { key: "startCpu", title: "to start, CPU s a process", digits: 2 },
      {
        key: "wal",
        title: "WAL, bytes a task",
        digits: 0,
        ratio: { of: "wal", title: "triaged by this" },
      },
    ],
    rows: await withPeers(stage, async ({ has }) => {
      const fastest = graphileWorker("graphile-worker, fastest", {
        concurrency: CONCURRENCY,
        ...BATCHED,
      });
      const contestants = [
        staying(triaged({ concurrency: CONCURRENCY })),
        staying(fastest),
        ...(has("pg-boss") ? [onPostgres(pgBoss(BOSS), { isDraining: false })] : []),
      ];
      const counts = PROCESSES.filter((count) => count * TASKS_OF_PROCESS_MIN <= tasks);
      const rows: Row[] = [];
      for (const processes of counts) {
        const group = processes === 1 ? "1 process" : `${processes} processes`;
        const measured = await inRounds(contestants, rounds, async (contestant, round) => {
          const figures = await measureOne(contestant, { stage, tasks, processes });
          const { perSecond, cpu } = figures;
          stage.note(
            `round ${round + 1}: ${group} of ${contestant.name} ${Math.round(perSecond)}/s, ` +
              `${cpu.toFixed(1)} us a task`,
          );
          return figures;
        });
        rows.push(...measured.map((row) => ({ ...row, group })));
      }
      return rows;
    }),
  }),
};

/** Its processes wait for more when nothing is left, so that what they took can be read. */
function staying(contestant: SqlContestant): PostgresDrainer {
  return onPostgres(
    {
      ...contestant,
      fill: (_, client, count) => contestant.enqueueNoops(client, count),
      startDraining: contestant.startWaiting,
    },
    { isDraining: false },
  );
}

/** Processor time counts from the first call of a handler in each process, and of the server. */
async function measureOne(
  contestant: PostgresDrainer,
  { stage, tasks, processes }: { stage: Stage; tasks: number; processes: number },
) {
  const postmaster = await withClient(stage.server.url, postmasterOf);
  return await contestant.withBacklog(stage, tasks, async (backlog, client) => {
    const started: { child: Child; startSeconds: number }[] = [];
    const spent = { server: 0, workers: 0, wal: 0 };
    const read = async () => ({
      server: processorSeconds(postmaster),
      workers: started.reduce((sum, { child, startSeconds }) => {
        return sum + processorSeconds(child.pid) - startSeconds;
      }, 0),
      wal: await walBytes(client),
    });
    const before = await read();
    const watched = {
      ...backlog,
      startDraining: () => {
        const child = backlog.startDraining();
        const entry = { child, startSeconds: 0 };
        child.onReport(({ event }) => {
          if (event === "first") {
            entry.startSeconds = processorSeconds(child.pid);
          }
        });
        started.push(entry);
        return child;
      },
      // Called until it is. The workers are killed after that.
      isEmpty: async () => {
        const isEmpty = await backlog.isEmpty();
        if (isEmpty) {
          const after = await read();
          spent.server = after.server - before.server;
          spent.workers = after.workers;
          spent.wal = after.wal - before.wal;
        }
        return isEmpty;
      },
    };
    const { isDraining } = contestant;
    const perSecond = await burnDown(watched, { count: tasks, processes, isDraining });
    const micros = (seconds: number) => (seconds * 1e6) / tasks;
    const startSeconds = started.reduce((sum, each) => sum + each.startSeconds, 0);
    return {
      perSecond,
      cpu: micros(spent.server + spent.workers),
      workerCpu: micros(spent.workers),
      startCpu: startSeconds / processes,
      wal: spent.wal / tasks,
    };
  });
}

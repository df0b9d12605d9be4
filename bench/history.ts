import { ofContestant } from "./contestants/backlog.ts";
import { burnDown } from "./contestants/burn-down.ts";
import type { Contestant } from "./contestants/contestant.ts";
import { expectCount, triaged } from "./contestants/triaged.ts";
import type { Bench } from "./frame/bench.ts";
import { withClient } from "./frame/databases.ts";
import { postmasterOf, processorSeconds } from "./frame/processes.ts";
import { inRounds } from "./frame/rounds.ts";
import type { Stage } from "./frame/stage.ts";

const CONCURRENCY = 24;

/** What writes the history, all of it: sql/triggers/tasks.sql. */
const HISTORY_TRIGGERS = [
  { table: "live_tasks", trigger: "live_tasks_record_insert" },
  { table: "live_tasks", trigger: "live_tasks_record_update" },
  { table: "final_tasks", trigger: "final_tasks_record_insert" },
];

export const history: Bench = {
  name: "history",
  question: "What does the audit cost, from the enqueue to the end of no-op tasks?",
  tasksAre: "no-op tasks that wait when the worker starts",
  sizes: { full: { rounds: 9, tasks: 50_000 }, smoke: { rounds: 1, tasks: 2_000 } },
  measure: async (stage, { rounds, tasks }) => ({
    columns: [
      {
        key: "perSecond",
        title: "tasks/s",
        digits: 0,
        ratio: { of: "perSecond", title: "with history by without" },
      },
      {
        key: "serverMs",
        title: "server CPU, ms for 1,000 tasks",
        digits: 1,
        ratio: { of: "serverMs", title: "with history by without" },
      },
      {
        key: "enqueueMs",
        title: "of which bulk enqueue",
        digits: 1,
        ratio: { of: "enqueueMs", title: "with history by without" },
      },
    ],
    rows: await inRounds([recorded(), unrecorded()], rounds, async (contestant, round) => {
      const figures = await measureOne(contestant, { stage, tasks });
      stage.note(
        `round ${round + 1}: ${contestant.name} ${Math.round(figures.perSecond)}/s, ` +
          `${figures.serverMs.toFixed(1)} ms for 1,000`,
      );
      return figures;
    }),
  }),
};

function recorded(): Contestant {
  return { ...triaged({ concurrency: CONCURRENCY }), name: "triaged" };
}

/** The same with the triggers off. Its tasks still move, for the settle moves them itself. */
function unrecorded(): Contestant {
  const contestant = triaged({ concurrency: CONCURRENCY });
  return {
    ...contestant,
    name: "triaged without its history",
    settings: `the same, with ${HISTORY_TRIGGERS.map(({ trigger }) => trigger).join(", ")} disabled`,
    install: async (url) => {
      await contestant.install(url);
      await withClient(url, async (client) => {
        for (const { table, trigger } of HISTORY_TRIGGERS) {
          await client.query(`alter table triaged.${table} disable trigger ${trigger}`);
        }
      });
    },
    check: async (client, count) => {
      await expectCount(client, "select count(*) from triaged.task_history", { count: 0 });
      await expectCount(
        client,
        "select count(*) from triaged.final_tasks where status = 'finished' and attempt_count = 1",
        { count },
      );
    },
  };
}

async function measureOne(
  contestant: Contestant,
  { stage, tasks }: { stage: Stage; tasks: number },
) {
  const postmaster = await withClient(stage.server.url, postmasterOf);
  const metered = withMeter(contestant, () => processorSeconds(postmaster) * 1_000);
  const perSecond = await ofContestant(metered.contestant).withBacklog(stage, tasks, (backlog) =>
    burnDown(backlog, { count: tasks, processes: 1, isDraining: true }),
  );
  const [enqueueMs, workMs] = metered.spentMs().map((ms) => (ms / tasks) * 1_000);
  return {
    perSecond,
    serverMs: (enqueueMs ?? 0) + (workMs ?? 0),
    enqueueMs: enqueueMs ?? 0,
  };
}

/** Read the meter around the enqueue, and from the start of the worker to the check. */
function withMeter(contestant: Contestant, read: () => number) {
  const at = { enqueue: 0, enqueued: 0, start: 0, end: 0 };
  return {
    contestant: {
      ...contestant,
      enqueueNoops: async (client, count) => {
        at.enqueue = read();
        await contestant.enqueueNoops(client, count);
        at.enqueued = read();
      },
      startDraining: (url) => {
        at.start = read();
        return contestant.startDraining(url);
      },
      check: async (client, count) => {
        at.end = read();
        await contestant.check(client, count);
      },
    } satisfies Contestant as Contestant,
    spentMs: () => [at.enqueued - at.enqueue, at.end - at.start] as const,
  };
}

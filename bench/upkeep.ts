import type { Client } from "pg";
import { inSchema } from "../src/database/database.ts";
import { verifyAudit } from "../src/database/verify/verify.ts";
import { fillDays } from "./contestants/answered-days.ts";
import { foldNew } from "./contestants/fold-days.ts";
import { triaged } from "./contestants/triaged.ts";
import type { Bench } from "./frame/bench.ts";
import { withClient } from "./frame/databases.ts";
import { inRounds } from "./frame/rounds.ts";
import { quantile } from "./frame/statistics.ts";

/** How often each is done in a round. */
const DONE = 5;
/** As the night's job. */
const VERIFY_SINCE_MS = 90_000_000;
const VERIFY_MS_MAX = 60_000;

/** A step of the jobs: what comes before it in its transaction, and what is timed. */
type Step = { readonly name: string; readonly prepare?: string; readonly run: string };

const FOLDED = "(select folded_id from triaged.rollup_progress)";

/** The newest so many rows of history. */
function newest(name: string, rows: number): string {
  return `select triaged.${name}(${FOLDED} - ${rows}, ${FOLDED})`;
}

const FORGET_COUNT =
  "update triaged.rollup_progress set counted_at = null, depth_counted_at = null";
const BEGIN = `
  set local triaged.reason = 'bench';
  select triaged.start_operation('retry', '{"status": "failed", "task_type": "type_3"}')`;
const BEGIN_CANCEL = `
  set local triaged.reason = 'bench';
  select triaged.start_operation('cancel', '{"task_type": "type_3"}')`;
const ADVANCE = `
  select triaged.advance_operation((select max(operation_id) from triaged.operation_progress))`;

const STEPS: readonly Step[] = [
  { name: "fold 1,000 rows of history", run: newest("fold_rows", 1_000) },
  { name: "fold 50,000 rows of history", run: newest("fold_rows", 50_000) },
  { name: "of which ends", run: newest("fold_ends", 50_000) },
  { name: "of which ranges of lists", run: newest("fold_ranges", 50_000) },
  { name: "of which series", run: newest("fold_series", 50_000) },
  { name: "of which depth", run: newest("fold_depth", 50_000) },
  { name: "a fold that finds nothing", run: "select triaged.fold_history()" },
  {
    name: "merge the histograms of a day",
    prepare: "update triaged.rollup_progress set merged_from = null, merged_until = null",
    run: "select triaged.merge_day()",
  },
  { name: "count what is live", prepare: FORGET_COUNT, run: "select triaged.count_depth()" },
  { name: "count totals of depth", prepare: FORGET_COUNT, run: "select triaged.count_totals()" },
  { name: "summarize history", run: "select triaged.summarize_history()" },
  { name: "tell history", run: "select triaged.tell_history('{failed,queue_age}', false)" },
  { name: "begin to retry all of a type", run: BEGIN },
  { name: "a batch of 500 retries", prepare: BEGIN, run: ADVANCE },
  { name: "a batch of cancels", prepare: BEGIN_CANCEL, run: ADVANCE },
  { name: "drop an expired partition", run: "select triaged.drop_expired_partitions(20, 20, 1)" },
  { name: "expire rows", run: "select * from triaged.expire_rows(10000)" },
  { name: "expire 10,000 effects", run: "select triaged.expire_effects(10000)" },
  { name: "expire operations", run: "select triaged.expire_operations(10000)" },
  { name: "expire push configs", run: "select triaged.expire_push_configs(10000)" },
  { name: "declare dead workers", run: "select * from triaged.declare_dead_workers(10)" },
];

export const upkeep: Bench = {
  name: "upkeep",
  question: "How long do the steps of the jobs take beside millions of final tasks?",
  tasksAre: "final tasks, of which one in a hundred failed; a tenth as many wait",
  sizes: { full: { rounds: 1, tasks: 10_000_000 }, smoke: { rounds: 1, tasks: 20_000 } },
  measure: async (stage, { rounds, tasks }) =>
    await stage.withFilled(triaged({ concurrency: 1 }), `days_${tasks}`, (url) =>
      withClient(url, async (client) => {
        await fillDays(client, tasks, stage.note);
        await foldNew(client, "what is new", stage.note);
        await stage.settleDown(client);
        const asked = STEPS.map((step) => ({ ...step, settings: "each rolled back again" }));
        const rows = await inRounds(asked, rounds, async (step, round) => {
          const tookMs: number[] = [];
          for (let time = 0; time < DONE; time += 1) tookMs.push(await timeOf(client, step));
          const found = { p50: quantile(tookMs, 0.5), max: Math.max(...tookMs) };
          stage.note(
            `round ${round + 1}: ${step.name} p50 ${found.p50.toFixed(1)}, max ${found.max.toFixed(1)} ms`,
          );
          return found;
        });
        return {
          columns: [
            { key: "p50", title: "p50 ms", digits: 1 },
            { key: "max", title: "longest ms", digits: 1 },
          ],
          rows: [...rows, await verifyRow(client, stage.note)],
        };
      }),
    ),
};

async function timeOf(client: Client, { prepare, run }: Step): Promise<number> {
  await client.query("begin");
  try {
    if (prepare !== undefined) await client.query(prepare);
    const before = performance.now();
    await client.query(run);
    return performance.now() - before;
  } finally {
    await client.query("rollback");
  }
}

/** Once: it takes long, and ends when its time is over. */
async function verifyRow(client: Client, note: (text: string) => void) {
  const limits = { sinceMs: VERIFY_SINCE_MS, limitMs: VERIFY_MS_MAX };
  const before = performance.now();
  await client.query("begin isolation level repeatable read read only");
  const report = await verifyAudit(inSchema(client), limits);
  await client.query("rollback");
  const tookMs = performance.now() - before;
  const judged = Object.values(report.checked).reduce((sum, count) => sum + count, 0);
  const broken = Object.values(report.broken).reduce((sum, count) => sum + count, 0);
  note(
    `verify of a day: ${judged} judged in ${tookMs.toFixed()} ms, ` +
      `${broken} broken${report.complete ? "" : ", not complete"}`,
  );
  return {
    contestant: "verify of a day",
    settings: `of at most ${VERIFY_MS_MAX / 1_000} s${report.complete ? "" : ", not complete"}`,
    values: { p50: [tookMs], max: [tookMs] },
  };
}

import { z } from "zod";
import { recordedMoves } from "../../recorded-moves.ts";
import type { Database } from "../database.ts";
import type { Horizon } from "./horizon.ts";
import { JUDGE } from "./judge-statement.ts";
import type { Range } from "./ranges.ts";
import { READ_STORIES } from "./stories-statement.ts";

/** What must hold, each named by the sentence that says it. */
export const CHECKS = [
  "state_follows_history",
  "transitions_are_legal",
  "attempts_do_not_overlap",
  "task_was_enqueued",
  "final_task_has_end",
  "history_has_task",
  "task_is_in_one_table",
] as const;
export type Check = (typeof CHECKS)[number];

const Breach = z.object({
  task_id: z.string(),
  /** The row of history at fault, or the last one; null where there is none. */
  history_id: z.string().nullable(),
  problem: z.string(),
});
export type Breach = z.output<typeof Breach>;

const Judgement = z.object({
  check: z.enum(CHECKS),
  /** How many tasks, or rows of history, it looked at. */
  judged: z.coerce.number(),
  /** In how many of them it does not hold. */
  broken: z.coerce.number(),
  /** The first of those. */
  breaches: z.array(Breach),
});
export type Judgement = z.output<typeof Judgement>;

/** Look at every task of a range; at most `breachesMax` breaches of each check come back. */
export async function checkRange(
  db: Database,
  range: Range,
  horizon: Horizon,
  breachesMax: number,
): Promise<Judgement[]> {
  const rows = await db.query({
    text: CHECK_RANGE,
    values: [
      range.after,
      range.until,
      horizon.read_from,
      horizon.since,
      horizon.history_from,
      horizon.tasks_from,
      JSON.stringify(recordedMoves()),
      breachesMax,
    ],
  });
  return rows.map((row) => Judgement.parse(row));
}

/** $8 = how many breaches of each check are told; the other parameters are those of the parts. */
const CHECK_RANGE = `
  with ${READ_STORIES},
  judged as (${JUDGE})
  select
    "check",
    count(*) as judged,
    count(problem) as broken,
    -- Ids as text: JSON numbers of JavaScript end at 2^53.
    to_json(coalesce((array_agg(
      json_build_object(
        'task_id', task_id::text, 'history_id', history_id::text, 'problem', problem
      )
      order by task_id, history_id
    ) filter (where problem is not null))[1:$8::integer], '{}')) as breaches
  from judged
  group by "check"`;

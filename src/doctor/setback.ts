import { z } from "zod";
import { counted } from "../counted.ts";
import type { Database } from "../postgres/database.ts";
import { type Finding, ok, warning } from "./finding.ts";
import { Count, type Probe } from "./probe.ts";

const SetbackFacts = z.object({
  /** How far the newest of each lies in the future. */
  ahead: z.array(z.object({ what: z.string(), seconds: Count })),
  /** Tasks that wait though the clock had their time before; counted up to a limit. */
  waiting: Count,
});

/** Counted, at most. */
const WAITING_MAX = 1_000;

/** Whether the server's clock has gone back: what was written before waits for its time again. */
export const setbackProbe: Probe = {
  subject: "setback",
  look: async ({ db }) => [await readSetback(db)],
};

export async function readSetback(db: Database): Promise<Finding> {
  const [row] = await db.query({ text: SETBACK, values: [WAITING_MAX] });
  return judgeSetback(SetbackFacts.parse(row));
}

export function judgeSetback({ ahead, waiting }: z.output<typeof SetbackFacts>): Finding {
  if (ahead.length === 0) {
    return ok("setback", "nothing was written by a clock ahead of now");
  }
  const found = ahead.map(({ what, seconds }) => `${what} ${Math.round(seconds)} s`).join(", ");
  const most = waiting === WAITING_MAX ? `${WAITING_MAX} or more` : String(waiting);
  return warning(
    "setback",
    `the server's clock has gone back; ahead of now: ${found}. ${counted(most, "queued task")} ${waiting === 1 ? "was" : "were"} due by it`,
    "set the clock right; workers bring forward what was meant for now. A run_at that was given " +
      "stays: triaged why names it, update triaged.tasks set run_at = triaged.now() brings it",
  );
}

/** The newest by an index, or of few rows; history is left to the partitions of these days. */
const SETBACK = `
  with late as (select triaged.now() + triaged.clock_margin() as at)
  select
    (
      select coalesce(
        jsonb_agg(jsonb_build_object(
          'what', what, 'seconds', extract(epoch from newest - triaged.now())
        ) order by what),
        '[]'
      )
      from (
        select 'created tasks' as what, (
          select max(created_at) from triaged.live_tasks where created_at > (select at from late)
        ) as newest
        union all
        select 'heartbeats', (
          select max(heartbeat_at) from triaged.workers where heartbeat_at > (select at from late)
        )
        union all
        select 'clock seen by workers', (
          select ahead_until from triaged.clock_setbacks where ahead_until > (select at from late)
        )
        union all
        select 'history', (
          select max(at) from triaged.task_history where at > (select at from late)
        )
      ) as written
      where newest is not null
    ) as ahead,
    (
      select count(*) from (
        select
        from triaged.live_tasks
        where
          status = 'queued' and run_at > triaged.now()
          and (
            (created_at > (select at from late) and run_at = created_at)
            or (
              attempt_count > 0
              and run_at <= (
                select ahead_until from triaged.clock_setbacks where ahead_until > (select at from late)
              )
            )
          )
        limit $1
      ) as due
    ) as waiting`;

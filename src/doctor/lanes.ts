import { z } from "zod";
import { type Finding, ok, warning } from "./finding.ts";
import type { Probe } from "./probe.ts";

const NAMES_MAX = 10;
/** Different pairs of queue and task type that are looked at. */
const PAIRS_MAX = 1_000;

const LaneFacts = z.object({
  paused_queues: z.array(z.string()),
  paused_types: z.array(z.string()),
  /** As `type (queue)`: what waits while no living worker would claim it. */
  unhandled: z.array(z.string()),
});

/** What is not claimed though it is there. */
export const lanesProbe: Probe = {
  subject: "lanes",
  async look({ db }) {
    const [row] = await db.query({ text: LANES, values: [NAMES_MAX, PAIRS_MAX] });
    return judgeLanes(LaneFacts.parse(row));
  },
};

export function judgeLanes(facts: z.output<typeof LaneFacts>): Finding[] {
  const { paused_queues, paused_types, unhandled } = facts;
  return [
    paused_queues.length > 0
      ? warning(
          "queues",
          `paused: ${paused_queues.join(", ")}`,
          paused_queues.map((queue) => `triaged resume ${queue}`).join("; "),
        )
      : ok("queues", "none is paused"),
    paused_types.length > 0
      ? warning(
          "task types",
          `paused: ${paused_types.join(", ")}`,
          paused_types.map((type) => `triaged resume --type ${type}`).join("; "),
        )
      : ok("task types", "none is paused"),
    unhandled.length > 0
      ? warning(
          "handlers",
          `queued, and no worker takes it: ${unhandled.join(", ")}`,
          "start a worker whose --tasks folder has the type and whose --queue the queue",
        )
      : ok("handlers", "everything queued has a worker"),
  ];
}

/** From lane to lane by the index of the claim: a million tasks of one lane are one step. */
const LANES = `
  with recursive lane as (
    (
      select queue, task_type, 1 as place
      from triaged.live_tasks
      where status = 'queued'
      order by queue, task_type
      limit 1
    )
    union all
    select following.queue, following.task_type, lane.place + 1
    from lane
    cross join lateral (
      select task.queue, task.task_type
      from triaged.live_tasks as task
      where
        task.status = 'queued' and (task.queue, task.task_type) > (lane.queue, lane.task_type)
      order by task.queue, task.task_type
      limit 1
    ) as following
    where lane.place < $2
  )
  select
    array(
      select queue from triaged.queues where paused_at is not null order by queue limit $1
    ) as paused_queues,
    array(
      select task_type from triaged.task_types
      where paused_at is not null
      order by task_type
      limit $1
    ) as paused_types,
    array(
      select format('%s (queue %s)', task_type, queue)
      from lane
      where not exists (
        select
        from triaged.workers as worker
        where
          worker.ended_at is null and worker.heartbeat_at >= triaged.now() - worker.lease
          and lane.task_type = any (worker.task_types) and lane.queue = any (worker.queues)
      )
      order by task_type, queue
      limit $1
    ) as unhandled`;

import { z } from "zod";
import { counted } from "../counted.ts";
import { type Finding, ok, warning } from "./finding.ts";
import { Count, type Probe } from "./probe.ts";

const SILENT_MAX = 10;

const WorkerFacts = z.object({
  alive: Count,
  silent: z.array(
    z.object({
      worker_id: Count,
      name: z.string(),
      host: z.string().nullable(),
      pid: z.int().nullable(),
      silent_seconds: Count,
      held: Count,
    }),
  ),
});

/** Workers that neither ended nor said anything within their lease. */
export const workersProbe: Probe = {
  subject: "workers",
  async look({ db }) {
    const [row] = await db.query({ text: WORKERS, values: [SILENT_MAX] });
    return judgeWorkers(WorkerFacts.parse(row));
  },
};

export function judgeWorkers({ alive, silent }: z.output<typeof WorkerFacts>): Finding[] {
  return [
    alive === 0
      ? warning("workers", "none is alive", "start one: triaged work")
      : ok("workers", `${alive} alive`),
    ...silent.map(({ worker_id, name, host, pid, silent_seconds, held }) =>
      warning(
        "workers",
        `worker ${worker_id} (${name}, ${host ?? "no host"}, pid ${pid ?? "unknown"}) is silent ` +
          `for ${Math.round(silent_seconds)} s and holds ${counted(held, "task")}`,
        alive === 0
          ? "start a worker: it rescues the tasks"
          : "a living worker rescues them within a second; if not, look at the logs of those",
      ),
    ),
  ];
}

const WORKERS = `
  select
    (
      select count(*) from triaged.workers
      where ended_at is null and heartbeat_at >= triaged.now() - lease
    ) as alive,
    (
      select coalesce(jsonb_agg(silent), '[]')
      from (
        select
          worker_id, name, host, pid,
          extract(epoch from triaged.now() - heartbeat_at) as silent_seconds,
          (
            select count(*) from triaged.live_tasks as task
            where task.worker_id = worker.worker_id
          ) as held
        from triaged.workers as worker
        where ended_at is null and heartbeat_at < triaged.now() - lease
        order by heartbeat_at
        limit $1
      ) as silent
    ) as silent`;

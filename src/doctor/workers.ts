import {
  type LaneFacts,
  readLaneFacts,
  readWorkerFacts,
  type WorkerFacts,
} from "../database/queue-facts.ts";
import { counted } from "../model/text.ts";
import { type DoctorFinding, type DoctorProbe, ok, warning } from "./probe.ts";

const SILENT_MAX = 10;

/** Workers that neither ended nor said anything within their lease. */
export const workersProbe: DoctorProbe = {
  subject: "workers",
  async look({ db }) {
    return judgeWorkers(await readWorkerFacts(db, { limit: SILENT_MAX }));
  },
};

export function judgeWorkers({ alive, silent }: WorkerFacts): DoctorFinding[] {
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

const NAMES_MAX = 10;
/** Different pairs of queue and task type that are looked at. */
const PAIRS_MAX = 1_000;

/** What is not claimed though it is there. */
export const lanesProbe: DoctorProbe = {
  subject: "lanes",
  async look({ db }) {
    return judgeLanes(await readLaneFacts(db, { namesMax: NAMES_MAX, pairsMax: PAIRS_MAX }));
  },
};

function judgeLanes(facts: LaneFacts): DoctorFinding[] {
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

import { backlog } from "./backlog.ts";
import { big } from "./big.ts";
import { cachedReads } from "./cached-reads.ts";
import { enqueue } from "./enqueue.ts";
import { events } from "./events.ts";
import { failover } from "./failover.ts";
import type { Bench } from "./frame/bench.ts";
import { gateway } from "./gateway.ts";
import { heldSnapshot } from "./held-snapshot.ts";
import { history } from "./history.ts";
import { idle } from "./idle.ts";
import { lanes } from "./lanes.ts";
import { latency } from "./latency.ts";
import { latencySteady } from "./latency-steady.ts";
import { limit } from "./limit.ts";
import { pages } from "./pages.ts";
import { questions } from "./questions.ts";
import { rescue } from "./rescue.ts";
import { retention } from "./retention.ts";
import { steady } from "./steady.ts";
import { throughput } from "./throughput.ts";
import { upkeep } from "./upkeep.ts";
import { workers } from "./workers.ts";

/** Every bench, in the order of `all`. */
export const BENCHES: readonly Bench[] = [
  throughput,
  workers,
  limit,
  enqueue,
  latency,
  latencySteady,
  rescue,
  failover,
  steady,
  heldSnapshot,
  backlog,
  lanes,
  history,
  big,
  idle,
  retention,
  questions,
  gateway,
  pages,
  upkeep,
  events,
  cachedReads,
];

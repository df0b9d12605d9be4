import { big } from "./big.ts";
import { enqueue } from "./enqueue.ts";
import type { Bench } from "./frame/bench.ts";
import { history } from "./history.ts";
import { lanes } from "./lanes.ts";
import { latency } from "./latency.ts";
import { limit } from "./limit.ts";
import { rescue } from "./rescue.ts";
import { retention } from "./retention.ts";
import { throughput } from "./throughput.ts";

/** Every bench, in the order of `all`. */
export const BENCHES: readonly Bench[] = [
  throughput,
  limit,
  enqueue,
  latency,
  rescue,
  lanes,
  history,
  big,
  retention,
];

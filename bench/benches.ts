import { backlog } from "./backlog.ts";
import type { Bench } from "./frame/bench.ts";
import { heldSnapshot } from "./held-snapshot.ts";
import { idle } from "./idle.ts";
import { latency } from "./latency.ts";
import { latencySteady } from "./latency-steady.ts";
import { rescue } from "./rescue.ts";
import { steady } from "./steady.ts";
import { throughput } from "./throughput.ts";

/** Every bench, in the order of `all`. */
export const BENCHES: readonly Bench[] = [
  throughput,
  latency,
  latencySteady,
  rescue,
  steady,
  heldSnapshot,
  backlog,
  idle,
];

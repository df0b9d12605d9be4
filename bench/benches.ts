import { enqueue } from "./enqueue.ts";
import type { Bench } from "./frame/bench.ts";
import { latency } from "./latency.ts";
import { limit } from "./limit.ts";
import { rescue } from "./rescue.ts";
import { throughput } from "./throughput.ts";

/** Every bench, in the order of `all`. */
export const BENCHES: readonly Bench[] = [throughput, limit, enqueue, latency, rescue];

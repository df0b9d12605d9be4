import type { Pool } from "pg";
import type { Logger } from "pino";
import { Counter, Histogram, Registry } from "prom-client";
import type { Replica } from "../database/replica.ts";
import { LabelLimit } from "./label-limit.ts";
import { METRICS_LIMITS } from "./metrics-limits.ts";
import { watchProcess } from "./process-metrics.ts";
import { QueueReader } from "./queue-figures.ts";
import { watchQueue } from "./queue-metrics.ts";
import { watchReplica } from "./replica-metrics.ts";
import { watchJobs, watchWorker } from "./work-metrics.ts";

/** Which program a process is: what it tells of beside itself. */
export type MetricsProcess = "gateway" | "worker" | "jobs";

/** Where the queue is asked, by the rights of the pool's login. */
export type QueueOfMetrics = {
  readonly pool: Pool;
  readonly schema: string;
  readonly logger: Logger;
  /** Where the figures of tasks are read, while it is fit for it. @default null */
  readonly replica?: Replica | null;
};

/** How often reads were answered from memory, since the process began. */
export type CachedReads = { readonly hits: number; readonly misses: number };

/** Seconds. The gateway means to answer within 25 ms. */
const HTTP_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/**
 * The metrics of one process, in Prometheus' text format: what it does itself; and, with `queue`,
 * what the database says of the whole queue, which is the same in each process that shows it.
 */
export class Metrics {
  readonly #registry = new Registry();
  readonly #ends: readonly (() => void)[];
  readonly #readQueue: () => Promise<void> = () => Promise.resolve();
  #onRequest: ((seen: AnsweredRequest) => void) | null = null;

  constructor(options: {
    readonly process: MetricsProcess;
    readonly queue?: QueueOfMetrics | undefined;
    /** Where the counts of cached reads are, in a process that caches some. */
    readonly cachedReads?: () => CachedReads;
  }) {
    const { process, queue, cachedReads } = options;
    const registry = this.#registry;
    const ends = [watchProcess(registry, process)];
    if (process === "gateway") {
      this.#onRequest = watchRequests(registry);
      watchCachedReads(registry, cachedReads ?? (() => ({ hits: 0, misses: 0 })));
    }
    if (process === "worker") ends.push(watchWorker(registry));
    if (process === "jobs") ends.push(watchJobs(registry));
    if (queue !== undefined) {
      this.#readQueue = watchQueue(registry, new QueueReader(queue));
    }
    if (queue?.replica != null) {
      ends.push(watchReplica(registry));
    }
    this.#ends = ends;
  }

  /** The Content-Type of `text`. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  async text(): Promise<string> {
    await this.#readQueue();
    return await this.#registry.metrics();
  }

  /** A request of the gateway was answered. */
  answered(request: AnsweredRequest): void {
    this.#onRequest?.(request);
  }

  /** Listen to nothing any more. */
  close(): void {
    for (const end of this.#ends) end();
    this.#registry.clear();
  }
}

export type AnsweredRequest = {
  readonly method: string;
  /** The pattern of its door, such as `/api/tasks/:id`; null: there is none. */
  readonly route: string | null;
  readonly status: number;
  readonly seconds: number;
};

function watchRequests(registry: Registry): (request: AnsweredRequest) => void {
  // Of methods anybody can send any that Node knows.
  const doors = new LabelLimit(METRICS_LIMITS.taskLabels);
  const duration = new Histogram({
    name: "triaged_http_request_duration_seconds",
    help: "Of requests, from their headers to the end of the answer.",
    labelNames: ["method", "route", "status"],
    buckets: HTTP_BUCKETS,
    registers: [registry],
  });
  return ({ method, route, status, seconds }) => {
    const [known, door] = doors.of(method, route ?? "none");
    duration.observe({ method: known, route: door, status }, seconds);
  };
}

function watchCachedReads(registry: Registry, read: () => CachedReads): void {
  const reads = new Counter({
    name: "triaged_cached_reads_total",
    help: "Reads of one task, by whether memory had it (hit) or the database was asked (miss).",
    labelNames: ["result"],
    registers: [],
    collect() {
      const { hits, misses } = read();
      this.reset();
      this.inc({ result: "hit" }, hits);
      this.inc({ result: "miss" }, misses);
    },
  });
  registry.registerMetric(reads);
}

/** What every process of triaged tells of itself: version, health, statements, pools, Node. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, type Registry } from "prom-client";
import { statementAnswered } from "../database/database.ts";
import { HEALTH_STATES, healthAsked } from "../database/health.ts";
import { usesOfPools } from "../database/pool.ts";
import { packageVersion } from "../system/package-folder.ts";
import { LabelLimit } from "./label-limit.ts";
import { METRICS_LIMITS } from "./metrics-limits.ts";

/** Seconds. From a ping on the same host to what a server cancels. */
const STATEMENT_BUCKETS = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

/** Returns what ends the watching. */
export function watchProcess(registry: Registry, processName: string): () => void {
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  new Gauge({
    name: "triaged_build_info",
    help: "1, with the version of this process, and which of gateway, worker and jobs it is.",
    labelNames: ["version", "process"],
    registers,
  }).set({ version: packageVersion(), process: processName }, 1);
  const ends = [watchHealth(registry), watchStatements(registry)];
  watchPools(registry);
  return () => ends.forEach((end) => end());
}

function watchHealth(registry: Registry): () => void {
  const gauge = new Gauge({
    name: "triaged_database_state",
    help: "1 for what the database is to this process, 0 for the others.",
    labelNames: ["state"],
    registers: [registry],
  });
  return healthAsked.listen((state) => {
    for (const each of HEALTH_STATES) {
      gauge.set({ state: each }, each === state ? 1 : 0);
    }
  });
}

function watchStatements(registry: Registry): () => void {
  const registers = [registry];
  const names = new LabelLimit(METRICS_LIMITS.names);
  const duration = new Histogram({
    name: "triaged_database_statement_duration_seconds",
    help: "From sending a statement to its answer, by what it calls.",
    labelNames: ["statement"],
    buckets: STATEMENT_BUCKETS,
    registers,
  });
  const errors = new Counter({
    name: "triaged_database_statement_errors_total",
    help: "Statements that were answered with an error, or not in time.",
    labelNames: ["statement"],
    registers,
  });
  return statementAnswered.listen(({ name, seconds, isError }) => {
    const [statement] = names.of(name);
    duration.observe({ statement }, seconds);
    errors.inc({ statement }, isError ? 1 : 0);
  });
}

function watchPools(registry: Registry): void {
  const registers: Registry[] = [];
  const max = new Gauge({
    name: "triaged_pool_connections_max",
    help: "Connections that a pool opens at most.",
    labelNames: ["pool"],
    registers,
  });
  const waiting = new Gauge({
    name: "triaged_pool_waiting",
    help: "Those who wait for a connection of a pool.",
    labelNames: ["pool"],
    registers,
  });
  const connections = new Gauge({
    name: "triaged_pool_connections",
    help: "Connections of a pool that are in use, or idle.",
    labelNames: ["pool", "state"],
    registers: [],
    collect() {
      for (const gauge of [this, max, waiting]) gauge.reset();
      for (const { role: pool, ...use } of usesOfPools()) {
        this.inc({ pool, state: "in_use" }, use.inUse);
        this.inc({ pool, state: "idle" }, use.idle);
        max.inc({ pool }, use.max);
        waiting.inc({ pool }, use.waiting);
      }
    },
  });
  // First: the others show what it has collected.
  registry.registerMetric(connections);
  registry.registerMetric(max);
  registry.registerMetric(waiting);
}

/** What a process with standbys to read from tells of them. */
import { Counter, Gauge, type Registry } from "prom-client";
import { REPLICA_STATES, readAnswered, replicaLooked } from "../database/replica.ts";

/** Returns what ends the watching. */
export function watchReplica(registry: Registry): () => void {
  const registers = [registry];
  const state = new Gauge({
    name: "triaged_replica_state",
    help: "1 for what the standby is to this process, 0 for the others; reads go there while used.",
    labelNames: ["state"],
    registers,
  });
  const lag = new Gauge({
    name: "triaged_replica_lag_seconds",
    help: "What the standby answers is at most so old; absent where that is not known.",
    // Without a label it would be 0 before the first look, which is a figure.
    labelNames: [],
    registers,
  });
  lag.remove();
  const reads = new Counter({
    name: "triaged_replica_reads_total",
    help: "Reads that may be from a standby, by who answered them.",
    labelNames: ["by"],
    registers,
  });
  const ends = [
    replicaLooked.listen(({ state: now, lagMs }) => {
      for (const each of REPLICA_STATES) state.set({ state: each }, each === now ? 1 : 0);
      if (lagMs === null) lag.remove();
      else lag.set(lagMs / 1_000);
    }),
    readAnswered.listen((by) => reads.inc({ by })),
  ];
  return () => ends.forEach((end) => end());
}

/** The figures of the whole queue as metrics. */
import { Counter, Gauge, type Registry } from "prom-client";
import { LabelLimit } from "./label-limit.ts";
import { METRICS_LIMITS } from "./metrics-limits.ts";
import type { Counted, QueueFigures, QueueReader } from "./queue-figures.ts";

/** Returns what brings the metrics up to date, at most once in five seconds; it never rejects. */
export function watchQueue(registry: Registry, reader: QueueReader): () => Promise<void> {
  const success = new Gauge({
    name: "triaged_queue_read_success",
    help: "1 where the database was asked about the queue and answered; 0: its gauges are absent.",
    registers: [registry],
  });
  const showers = [
    showDepth(registry),
    showCounts(registry),
    showServer(registry),
    showTables(registry),
  ];
  let reading: Promise<void> | null = null;
  let nextMs = Number.NEGATIVE_INFINITY;
  const read = async () => {
    const figures = await reader.read();
    success.set(figures === null ? 0 : 1);
    for (const show of showers) show(figures);
    nextMs = performance.now() + METRICS_LIMITS.figuresEveryMs;
    reading = null;
  };
  return async () => {
    if (performance.now() >= nextMs) {
      reading ??= read();
    }
    await reading;
  };
}

/** Shows what was read; nothing where nothing was. */
type Show = (figures: QueueFigures | null) => void;

/** A gauge of the queue, which is absent where the database did not answer. */
function gaugeOf(registry: Registry, name: string, help: string, labelNames: string[] = []): Gauge {
  return new Gauge({ name, help, labelNames, registers: [registry] });
}

function showDepth(registry: Registry): Show {
  const limit = new LabelLimit(METRICS_LIMITS.taskLabels);
  const labels = ["queue", "task_type"];
  const tasks = gaugeOf(registry, "triaged_queue_tasks", "Tasks that have not ended.", [
    ...labels,
    "status",
  ]);
  const claimable = gaugeOf(
    registry,
    "triaged_queue_claimable_tasks",
    "Tasks that a worker could claim now: queued, due, and not paused.",
    labels,
  );
  const oldest = gaugeOf(
    registry,
    "triaged_queue_oldest_due_age_seconds",
    "How long the task that is due for longest has waited.",
    labels,
  );
  return (figures) => {
    for (const gauge of [tasks, claimable, oldest]) gauge.reset();
    const ages = new Map<string, number>();
    for (const row of figures?.depth ?? []) {
      const [queue, task_type] = limit.of(row.queue, row.task_type);
      tasks.inc({ queue, task_type, status: row.status }, row.count);
      claimable.inc({ queue, task_type }, row.paused_at === null ? row.due : 0);
      const key = JSON.stringify([queue, task_type]);
      ages.set(key, Math.max(ages.get(key) ?? 0, row.oldest_age_seconds ?? 0));
      oldest.set({ queue, task_type }, ages.get(key) ?? 0);
    }
  };
}

function showCounts(registry: Registry): Show {
  const counter = (name: string, help: string, labelNames: readonly string[]) => {
    const limit = new LabelLimit(METRICS_LIMITS.taskLabels);
    const metric = new Counter({ name, help, labelNames, registers: [registry] });
    return (counted: readonly Counted[]) => {
      for (const { labels, more } of counted) {
        const values = limit.of(...labels);
        metric.inc(
          Object.fromEntries(labelNames.map((label, at) => [label, values[at] ?? ""])),
          more,
        );
      }
    };
  };
  const transitions = counter(
    "triaged_transitions_total",
    "Rows of history by their event, of all workers, since this process began.",
    ["event"],
  );
  const ended = counter(
    "triaged_tasks_ended_total",
    "Tasks that ended, of all workers, since this process began.",
    ["task_type", "status"],
  );
  const failures = counter(
    "triaged_failed_attempts_total",
    "Attempts that failed, by cause, of all workers, since this process began.",
    ["task_type", "cause"],
  );
  return (figures) => {
    transitions(figures?.transitions ?? []);
    ended(figures?.ended ?? []);
    failures(figures?.failures ?? []);
  };
}

function showServer(registry: Registry): Show {
  const gauge = (name: string, help: string, labelNames: string[] = []) =>
    gaugeOf(registry, name, help, labelNames);
  const readSeconds = gauge("triaged_queue_read_duration_seconds", "What the newest read took.");
  const workers = gauge(
    "triaged_workers_alive",
    "Workers that have been heard of within their lease.",
  );
  const effects = gauge(
    "triaged_effects_pending",
    "Effects that are to be delivered; counted to 10,000.",
  );
  const bytes = gauge("triaged_database_size_bytes", "What the database takes on its disk.");
  const used = gauge(
    "triaged_server_connections",
    "Sessions of clients on the server of the database.",
  );
  const usable = gauge("triaged_server_connections_max", "Sessions that clients may have there.");
  const age = gauge(
    "triaged_oldest_snapshot_age_seconds",
    "How long the oldest snapshot has kept dead rows from being removed.",
  );
  const transactions = gauge(
    "triaged_oldest_snapshot_transactions",
    "Transactions that began since the oldest snapshot.",
  );
  const lag = gauge("triaged_replication_lag_seconds", "How far a standby is behind.", ["standby"]);
  const lagBytes = gauge("triaged_replication_lag_bytes", "The same, in log to be replayed.", [
    "standby",
  ]);
  const plain = [readSeconds, workers, effects, bytes, used, usable, age, transactions];
  return (figures) => {
    for (const each of [lag, lagBytes]) each.reset();
    // After a reset they would be 0, which is a figure.
    for (const each of plain) each.remove();
    if (figures === null) {
      return;
    }
    const { connections, snapshot, storage } = figures;
    readSeconds.set(figures.tookSeconds);
    workers.set(connections.workers_alive);
    effects.set(storage.effects_pending);
    bytes.set(storage.database_bytes);
    used.set(connections.in_use);
    usable.set(connections.max_connections - connections.reserved);
    age.set(snapshot.ageSeconds);
    transactions.set(snapshot.transactions);
    for (const { standby, lag_seconds, lag_bytes } of storage.standbys) {
      if (lag_seconds !== null) lag.set({ standby }, lag_seconds);
      if (lag_bytes !== null) lagBytes.set({ standby }, lag_bytes);
    }
  };
}

function showTables(registry: Registry): Show {
  const dead = gaugeOf(registry, "triaged_table_dead_rows", "Rows that vacuum is to remove.", [
    "table",
  ]);
  const live = gaugeOf(registry, "triaged_table_live_rows", "Rows of the same tables.", ["table"]);
  return (figures) => {
    dead.reset();
    live.reset();
    for (const row of figures?.deadRows ?? []) {
      dead.set({ table: row.table_name }, row.dead);
      live.set({ table: row.table_name }, row.live);
    }
  };
}

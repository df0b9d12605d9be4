/** What workers and jobs tell: attempts, claims, settles; runs of jobs, effects. */
import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import { jobEnded } from "../jobs/job.ts";
import { effectAttempted } from "../outbox/deliver.ts";
import { claimAnswered } from "../worker/claim-loop.ts";
import { workerStarted } from "../worker/process.ts";
import { settleAnswered } from "../worker/settler.ts";
import { attemptEnded, attemptStarted } from "../worker/slots.ts";
import { LabelLimit } from "./label-limit.ts";
import { METRICS_LIMITS } from "./metrics-limits.ts";

/** Seconds. From a wake-up to a night of waiting. */
const TASK_BUCKETS = [
  0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 600, 1_800, 3_600,
];
/** Tasks of one statement. A claim may find none. */
const BATCH_BUCKETS = [0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000];

/** Returns what ends the watching, as `watchJobs` does. */
export function watchWorker(registry: Registry): () => void {
  const registers = [registry];
  const types = new LabelLimit(METRICS_LIMITS.taskLabels);
  const slots = new Gauge({
    name: "triaged_worker_slots",
    help: "Attempts that this worker runs at a time (CONCURRENCY).",
    registers,
  });
  const running = new Gauge({
    name: "triaged_worker_running_attempts",
    help: "Attempts that run in this worker.",
    registers,
  });
  const wait = new Histogram({
    name: "triaged_task_wait_duration_seconds",
    help: "From due to started, by the clock of this worker.",
    labelNames: ["task_type"],
    buckets: TASK_BUCKETS,
    registers,
  });
  const run = new Histogram({
    name: "triaged_task_run_duration_seconds",
    help: "From started to the end of the handler, by its outcome; lost: it no longer held its task.",
    labelNames: ["task_type", "outcome"],
    buckets: TASK_BUCKETS,
    registers,
  });
  const claims = new Histogram({
    name: "triaged_claim_batch_tasks",
    help: "Tasks that a claim took.",
    buckets: BATCH_BUCKETS,
    registers,
  });
  const settles = new Histogram({
    name: "triaged_settle_batch_tasks",
    help: "Attempts whose ends one statement recorded.",
    buckets: BATCH_BUCKETS,
    registers,
  });
  const ends = [
    workerStarted.listen((concurrency) => {
      slots.set(concurrency);
      // Those of a process that was declared dead end unseen.
      running.set(0);
    }),
    claimAnswered.listen((tasks) => claims.observe(tasks)),
    settleAnswered.listen((attempts) => settles.observe(attempts)),
    attemptStarted.listen(({ taskType, waitSeconds }) => {
      running.inc();
      wait.observe({ task_type: types.of(taskType)[0] }, waitSeconds);
    }),
    attemptEnded.listen(({ taskType, outcome, runSeconds }) => {
      running.dec();
      run.observe({ task_type: types.of(taskType)[0], outcome }, runSeconds);
    }),
  ];
  return () => ends.forEach((end) => end());
}

export function watchJobs(registry: Registry): () => void {
  const registers = [registry];
  const names = new LabelLimit(METRICS_LIMITS.names);
  const duration = new Histogram({
    name: "triaged_job_duration_seconds",
    help: "Of the runs of a maintenance job, by whether they got done.",
    // Not `job`, which is Prometheus' own.
    labelNames: ["name", "result"],
    buckets: TASK_BUCKETS,
    registers,
  });
  const effects = new Counter({
    name: "triaged_effect_attempts_total",
    help: "Attempts at effects, by the status that each left its effect in.",
    labelNames: ["kind", "status"],
    registers,
  });
  const ends = [
    jobEnded.listen(({ job, result, seconds }) =>
      duration.observe({ name: names.of(job)[0], result }, seconds),
    ),
    effectAttempted.listen(({ kind, status }) => effects.inc({ kind, status: status ?? "lost" })),
  ];
  return () => ends.forEach((end) => end());
}

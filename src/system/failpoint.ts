/**
 * The places at which a process can be made to die as by kill -9, by TRIAGED_FAILPOINT. Each
 * lies before or after a step that the database records: what is in flight there is what a
 * crash can lose or do twice. A test kills a process at each and looks what became of its tasks.
 */
export const FAILPOINTS = [
  "register.answered",
  "lock.answered",
  "heartbeat.answered",
  "claim.before",
  "claim.answered",
  "run.before",
  "run.ended",
  "settle.before",
  "settle.answered",
  "rescue.before",
  "rescue.answered",
  "shutdown.started",
  "shutdown.released",
  "shutdown.settled",
  "shutdown.answered",
  "job.before",
  "job.ended",
  "effect.claimed",
  "effect.sent",
] as const;

export type Failpoint = (typeof FAILPOINTS)[number];

// oxlint-disable-next-line node/no-process-env -- No setting of users: a switch for tests.
const armed = process.env["TRIAGED_FAILPOINT"];

/** Die here where the tests say so. */
export function failpoint(name: Failpoint): void {
  if (name === armed) {
    process.kill(process.pid, "SIGKILL");
  }
}

import { type Outcome, reportOf, unordered } from "./events.ts";
import { type Attempt, heldAttempts, heldBy, record, type Task, type World } from "./world.ts";

const BY_USER = "Cancelled by user";
const FREE = { worker: null, startedAt: null };

/** Settle attempts; those that were held, with the status of their tasks. */
export function settle(world: World, outcomes: readonly Outcome[]) {
  // By outcome: the first of several that settle the same attempt has it.
  const inOrder = outcomes.toSorted((a, b) => (a.outcome < b.outcome ? -1 : 1));
  return unordered(
    inOrder.flatMap((outcome) => {
      const task = heldBy(world, outcome);
      return task !== undefined && settleHeld(world, task, outcome)
        ? [{ task: outcome.task, attempt: outcome.attempt, status: task.status }]
        : [];
    }),
  );
}

/** False for a worker that cancels what nobody asked it to. */
function settleHeld(world: World, task: Task, given: Outcome): boolean {
  const { outcome } = given;
  const { result, error, prompt, detail } = reportOf(given);
  const asked = task.cancelRequestedAt !== null;
  switch (outcome) {
    case "finish":
      record(world, given.task, "finish", { status: "finished", result, error: null }, { detail });
      return true;
    case "retry":
    case "fail": {
      const failures = task.failures + 1;
      const spent = outcome === "fail" || failures >= task.maxAttempts;
      const status = asked ? "cancelled" : spent ? "failed" : "queued";
      const again = { ...FREE, runAt: world.now + (given.delay ?? Number.NaN) };
      const change = { status, failures, error, ...(status === "queued" ? again : {}) } as const;
      record(world, given.task, "fail", change, { detail });
      return true;
    }
    case "snooze":
      putBack(world, given, "snooze", given.delay ?? 0, detail);
      return true;
    case "release":
      putBack(world, given, "release");
      return true;
    case "ask":
      record(world, given.task, "ask", {
        status: asked ? "cancelled" : "needs_decision",
        prompt,
        result,
        decision: null,
        ...(asked ? { error: BY_USER } : FREE),
      });
      return true;
    case "cancelled":
      if (asked) {
        record(world, given.task, "cancel", { status: "cancelled", error }, { byWorker: true });
      }
      return asked;
  }
}

/** Give a held attempt back, or end its task where a cancel was requested. */
function putBack(
  world: World,
  { task: id }: Attempt,
  event: "snooze" | "release",
  delay = 0,
  detail: unknown = null,
): void {
  const asked = world.tasks.get(id)?.cancelRequestedAt !== null;
  const change = asked
    ? ({ status: "cancelled", error: BY_USER } as const)
    : ({ status: "queued", runAt: world.now + delay, ...FREE } as const);
  record(world, id, event, change, { detail });
}

/** Release what a worker holds, except what it knows of; what was released. */
export function releaseHeld(world: World, worker: number, known: readonly Attempt[] = []) {
  const isKnown = (held: Attempt) =>
    known.some(({ task, attempt }) => task === held.task && attempt === held.attempt);
  const unknown = heldAttempts(world, worker).filter((held) => !isKnown(held));
  return unordered(
    unknown.map((held) => {
      putBack(world, held, "release");
      return { ...held, status: world.tasks.get(held.task)?.status };
    }),
  );
}

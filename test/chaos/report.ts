import { type Cell, renderTable } from "../../src/cli/terminal/output.ts";
import { RULES, type Rule } from "./account/violations.ts";
import type { Outcome } from "./experiment.ts";
import { ATTACKS } from "./hostile/attacks.ts";
import { FAULT_KINDS } from "./plan/fault-kinds.ts";

/** The run as two tables: what was done to it, and what came of it. */
export function renderOutcome(outcome: Outcome, audited: readonly unknown[] | null): string {
  const { faults, accounts, hostile, figures, rescueTimes, drainMs } = outcome;
  const { sessionLock, leaseAlone } = rescueTimes;
  const rows: [string, Cell][] = [
    ["tasks enqueued (acknowledged)", accounts.acknowledged.length],
    ["enqueues repeated by their key", accounts.repeated],
    ["enqueues without a key whose answer was lost", accounts.unknown],
    ["turns left out, as answers were missing", accounts.leftOut],
    ["tasks finished", figures.finished],
    ["tasks failed", figures.failed],
    ["of them, by the deaths of three workers", figures.failedByDeaths],
    ["attacks refused, or cut off by a fault", hostile.refused],
    ...Object.entries(figures.hostileEnds).map(([end, count]): [string, Cell] => [
      `hostile: ${end}`,
      count,
    ]),
    ["events in task_history", figures.events],
    ["rescues", figures.rescues],
    ["tasks executed more than once without a failure", figures.executedAgain],
    ["drained after, ms", drainMs],
    [`rescue time by session lock, p50, ms (${sessionLock.tasks} tasks)`, sessionLock.p50Ms],
    ["rescue time by session lock, p99, ms", sessionLock.p99Ms],
    [`rescue time by lease alone, p50, ms (${leaseAlone.tasks} tasks)`, leaseAlone.p50Ms],
    ["rescue time by lease alone, p99, ms", leaseAlone.p99Ms],
    ...RULES.map(([rule]): [string, Cell] => [rule, countOf(outcome, rule)]),
    ["violations found by triaged verify", audited === null ? null : audited.length],
  ];
  return [
    renderTable(
      ["fault", "times"],
      FAULT_KINDS.map(({ kind }) => [kind, faults[kind] ?? 0]),
    ),
    renderTable(
      ["attack", "times"],
      ATTACKS.map(({ kind }) => [kind, hostile.attacks[kind] ?? 0]),
    ),
    renderTable(["figure", "value"], rows),
  ].join("\n");
}

function countOf({ violations }: Outcome, rule: Rule): number {
  return violations.find((violation) => violation.rule === rule)?.taskIds.length ?? 0;
}

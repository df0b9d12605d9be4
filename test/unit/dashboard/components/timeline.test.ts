import { expect, test } from "vitest";
import { storyOf, timelineView } from "../../../../src/dashboard/components/timeline.ts";
import type { HistoryRow } from "../../../../src/database/rows.ts";

const START = Date.parse("2026-01-02T03:04:05Z");

/** A row of history, so many seconds after the start. */
function row(
  seconds: number,
  event: string,
  status: string,
  parts: Partial<HistoryRow> = {},
): HistoryRow {
  return {
    history_id: String(seconds),
    task_id: "7",
    task_type: "mail",
    at: new Date(START + seconds * 1000),
    event,
    status,
    attempt_count: 0,
    worker_id: null,
    worker: null,
    actor: "worker",
    login: "app",
    error: null,
    wait_ms: null,
    duration_ms: null,
    detail: null,
    ...parts,
  };
}

const FAILED_ONCE = [
  row(0, "enqueue", "queued", { actor: "shop" }),
  row(5, "claim", "started", { attempt_count: 1, wait_ms: 5000, worker_id: "3", worker: "red" }),
  row(7, "fail", "queued", { attempt_count: 1, duration_ms: 2000, error: "Error: <no> route" }),
  row(17, "claim", "started", { attempt_count: 2, wait_ms: 1000, worker_id: "4", worker: "blue" }),
  row(18, "rescue", "queued", { attempt_count: 2, duration_ms: 1000, worker_id: "4" }),
  row(20, "claim", "started", { attempt_count: 3, wait_ms: 2000, worker_id: "3", worker: "red" }),
  row(24, "finish", "finished", { attempt_count: 3, duration_ms: 4000 }),
];
const NOW = new Date(START + 60_000);

test("a story has an entry for each attempt and for what happened between them", () => {
  const story = storyOf(FAILED_ONCE);

  expect(story.map((part) => (part.kind === "event" ? part.row.event : part.end))).toEqual([
    "enqueue",
    "fail",
    "rescue",
    "finish",
  ]);
});

test("an attempt says how long it waited and ran, on which worker, and how it ended", () => {
  const shown = String(timelineView(FAILED_ONCE, NOW)).replaceAll(/\s+/g, " ");

  expect(shown).toContain("Attempt 1 failed");
  expect(shown).toContain("Waited 5 s, ran 2 s on <b>red</b>");
  expect(shown).toContain("Error: &lt;no&gt; route");
  expect(shown).toContain("Attempt 2 was lost with its worker and rescued");
  expect(shown).toContain("Attempt 3 finished");
  expect(shown).toContain("by <b>shop</b> (login app)");
});

test("an attempt that runs has no end, and says that somebody wants it cancelled", () => {
  const running = [
    ...FAILED_ONCE.slice(0, 2),
    row(9, "cancel", "started", { attempt_count: 1, worker_id: "3", actor: "ann" }),
  ];
  const shown = String(timelineView(running, NOW)).replaceAll(/\s+/g, " ");

  expect(storyOf(running)).toHaveLength(2);
  expect(shown).toContain("Attempt 1 is running");
  expect(shown).toContain("has run 55 s");
  expect(shown).toContain("Somebody asked to cancel it.");
});

test("an attempt whose claim is not among the rows is told from its end", () => {
  const [part] = storyOf(FAILED_ONCE.slice(2, 3));

  expect(part).toMatchObject({
    kind: "attempt",
    attempt: 1,
    end: "fail",
    startedAt: new Date(START + 5000),
  });
});

test("an action of a person is told with its reason", () => {
  const retried = row(30, "retry", "queued", { actor: "ann", detail: { operation_id: 12 } });
  const reasons = new Map([["12", "<fixed>"]]);

  expect(String(timelineView([retried], NOW, reasons))).toContain("operation 12: “&lt;fixed&gt;”");
});

test("no drawing has a style of its own, which the policy of the page would refuse", () => {
  expect(String(timelineView(FAILED_ONCE, NOW))).not.toMatch(/style=|on\w+=/);
});

test("a task without history says so", () => {
  expect(String(timelineView([], NOW))).toContain("History has no rows of this task");
});

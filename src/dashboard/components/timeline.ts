/** The story of a task by attempt, drawn from its history. */
import type { HistoryRow } from "../../database/rows.ts";
import { isRecord } from "../../model/json.ts";
import { type Html, html } from "../html.ts";
import { momentView, spanText } from "./moment.ts";
import { foldedText, shownLine } from "./shown-text.ts";

/** Entries that are drawn; of a longer story the newest. */
export const TIMELINE_ENTRIES_MAX = 200;
/** Units of the drawing's width. */
const WIDTH = 1000;
/** A part of a story that takes no time is still seen. */
const WIDTH_MIN = 4;

/** One attempt: from due to claimed to its end, as far as history tells. */
export type AttemptStory = {
  readonly kind: "attempt";
  readonly taskId: string;
  readonly attempt: number;
  /** When it was due, and when it was claimed. */
  readonly dueAt: Date;
  readonly startedAt: Date;
  /** Null while it runs, or where history lacks its end. */
  readonly endedAt: Date | null;
  /** The event that ended it; null while it runs. */
  readonly end: string | null;
  /** Of the task, after that. */
  readonly status: string;
  readonly worker: string | null;
  readonly actor: string;
  readonly error: string | null;
  readonly isCancelAsked: boolean;
};

/** What happened between attempts: enqueue, decide, retry, cancel, replace, … */
type EventStory = { readonly kind: "event"; readonly row: HistoryRow };
export type StoryPart = AttemptStory | EventStory;

/** History by attempt: a claim opens an attempt, and the next event of it ends it. */
export function storyOf(history: readonly HistoryRow[]): StoryPart[] {
  const story: StoryPart[] = [];
  for (const row of history) {
    const last = story.at(-1);
    const running = last?.kind === "attempt" && last.end === null ? last : null;
    if (row.event === "claim" || (row.status === "started" && running === null)) {
      story.push(begunAttempt(row));
    } else if (running !== null && row.status === "started") {
      story[story.length - 1] = { ...running, isCancelAsked: row.event === "cancel" };
    } else if (running !== null || row.duration_ms !== null) {
      if (running !== null) story.pop();
      story.push(endedAttempt(running ?? withoutBegin(row), row));
    } else {
      story.push({ kind: "event", row });
    }
  }
  return story;
}

function begunAttempt(row: HistoryRow): AttemptStory {
  return {
    kind: "attempt",
    taskId: row.task_id,
    attempt: row.attempt_count,
    dueAt: new Date(row.at.getTime() - Math.max(0, row.wait_ms ?? 0)),
    startedAt: row.at,
    endedAt: null,
    end: null,
    status: row.status,
    worker: row.worker ?? nameOf(row.worker_id),
    actor: row.actor,
    error: null,
    isCancelAsked: false,
  };
}

/** Of an attempt whose claim was before the rows that were read. */
function withoutBegin(row: HistoryRow): AttemptStory {
  const startedAt = new Date(row.at.getTime() - Math.max(0, row.duration_ms ?? 0));
  return { ...begunAttempt(row), dueAt: startedAt, startedAt };
}

function endedAttempt(begun: AttemptStory, row: HistoryRow): AttemptStory {
  return {
    ...begun,
    endedAt: row.at,
    end: row.event,
    status: row.status,
    actor: row.actor,
    error: row.error ?? causeIn(row.detail),
  };
}

function nameOf(workerId: string | null): string | null {
  return workerId === null ? null : `worker ${workerId}`;
}

function causeIn(detail: unknown): string | null {
  return isRecord(detail) && typeof detail["class"] === "string" ? detail["class"] : null;
}

const ENDS: Readonly<Record<string, string>> = {
  finish: "finished",
  fail: "failed",
  snooze: "asked to run again later",
  release: "was given back",
  rescue: "was lost with its worker and rescued",
  ask: "asked a person",
  cancel: "was cancelled",
  manual: "was changed by hand",
};

/** Which colour an attempt has: the words beside it say the same. */
const LOOKS: Readonly<Record<string, string>> = {
  finish: "good",
  fail: "bad",
  rescue: "bad",
  ask: "asked",
  cancel: "off",
};

/**
 * What happened, in order, with a bar for each attempt: how long it waited, how long it ran. `reasons`
 * has why each operation was done, by its id.
 */
export function timelineView(
  history: readonly HistoryRow[],
  now: Date,
  reasons: ReadonlyMap<string, string> = new Map(),
): Html {
  const story = storyOf(history);
  if (story.length === 0) {
    return html`<p class="empty">History has no rows of this task: it may be older than the rows that are kept.</p>`;
  }
  const shown = story.slice(-TIMELINE_ENTRIES_MAX);
  const scale = scaleOf(shown, now);
  return html`${
    shown.length < story.length &&
    html`<p class="cut">The newest ${shown.length} of ${story.length} entries.</p>`
  }
  <p class="hint">Each time leads to the task as it was then.</p>
  <ol class="timeline">
    ${shown.map((part) => (part.kind === "attempt" ? attemptView(part, scale, now) : eventView(part.row, reasons)))}
  </ol>`;
}

type Scale = { readonly from: number; readonly ms: number };

function scaleOf(story: readonly StoryPart[], now: Date): Scale {
  const begins = story.map((part) =>
    (part.kind === "attempt" ? part.dueAt : part.row.at).getTime(),
  );
  const ends = story.map((part) =>
    (part.kind === "attempt" ? (part.endedAt ?? now) : part.row.at).getTime(),
  );
  const from = Math.min(...begins);
  return { from, ms: Math.max(1, Math.max(...ends) - from) };
}

function attemptView(attempt: AttemptStory, scale: Scale, now: Date): Html {
  const { startedAt, dueAt, end, error } = attempt;
  const until = attempt.endedAt ?? now;
  const waited = startedAt.getTime() - dueAt.getTime();
  const ran = until.getTime() - startedAt.getTime();
  const look = end === null ? "running" : (LOOKS[end] ?? "off");
  const ended = end === null ? "is running" : (ENDS[end] ?? end);
  const by = attempt.worker === null ? "" : html` on <b>${shownLine(attempt.worker)}</b>`;
  return html`<li class="attempt ${look}">
    <h3>Attempt ${attempt.attempt} ${ended}</h3>
    <p>Waited ${spanText(waited)}, ${end === null ? "has run" : "ran"} ${spanText(ran)}${by},
      from ${thenLink(attempt.taskId, startedAt)}${end !== null && html` to ${thenLink(attempt.taskId, until)}`}.
      ${end !== null && attempt.status === "queued" && "It went back to the queue."}
      ${attempt.isCancelAsked && "Somebody asked to cancel it."}</p>
    ${barView({ dueAt, startedAt, until, look }, scale)}
    ${error !== null && html`<div class="error">${foldedText(error)}</div>`}
  </li>`;
}

/**
 * A time of a step, as a link to the task and the queue as they were right after it: history has
 * microseconds, and what is later by one is not in it.
 */
function thenLink(taskId: string, at: Date): Html {
  const query = new URLSearchParams({
    task: taskId,
    at: new Date(at.getTime() + 1).toISOString(),
  });
  return html`<a class="then" href="/ui/then?${query.toString()}">${momentView(at)}</a>`;
}

/** For the eye: the text above says the same. */
function barView(
  bar: {
    readonly dueAt: Date;
    readonly startedAt: Date;
    readonly until: Date;
    readonly look: string;
  },
  scale: Scale,
): Html {
  const place = (at: Date) => ((at.getTime() - scale.from) / scale.ms) * (WIDTH - WIDTH_MIN);
  const rect = (from: Date, to: Date, look: string) =>
    html`<rect class="${look}" x="${place(from).toFixed(1)}" y="2" height="8" width="${Math.max(
      WIDTH_MIN,
      place(to) - place(from),
    ).toFixed(1)}" />`;
  return html`<svg class="spans" viewBox="0 0 ${WIDTH} 12" preserveAspectRatio="none" aria-hidden="true">
    ${bar.startedAt > bar.dueAt && rect(bar.dueAt, bar.startedAt, "waited")}
    ${rect(bar.startedAt, bar.until, bar.look)}
  </svg>`;
}

const EVENTS: Readonly<Record<string, string>> = {
  enqueue: "Enqueued",
  import: "Imported, as it ended elsewhere",
  replace: "Replaced by a newer enqueue",
  decide: "Decided",
  change: "Changed",
  retry: "Queued again",
  cancel: "Cancelled",
  manual: "Changed by hand",
};

function eventView(row: HistoryRow, reasons: ReadonlyMap<string, string>): Html {
  const { login, actor } = row;
  return html`<li class="event">
    <h3>${EVENTS[row.event] ?? shownLine(row.event)}</h3>
    <p>${thenLink(row.task_id, row.at)} by <b>${shownLine(actor)}</b>${
      login !== null && login !== actor && html` (login ${shownLine(login)})`
    }${operationView(row.detail, reasons)}</p>
  </li>`;
}

/** The operation that a person did it by, and why. */
function operationView(detail: unknown, reasons: ReadonlyMap<string, string>): Html | false {
  const id = operationIn(detail);
  if (id === null) return false;
  const reason = reasons.get(id);
  return html`, operation ${id}${reason !== undefined && html`: “${shownLine(reason)}”`}`;
}

/** The id of the operation that a row of history is part of, or null. */
export function operationIn(detail: unknown): string | null {
  const id = isRecord(detail) ? detail["operation_id"] : null;
  return typeof id === "number" || typeof id === "bigint" ? String(id) : null;
}

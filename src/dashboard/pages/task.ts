/** A task: why it waits, how it went, what it carries, and what can be done with it. */
import { z } from "zod";
import type { Database } from "../../database/database.ts";
import { readFamily } from "../../database/families.ts";
import { getOperation } from "../../database/operations.ts";
import { listEffects, listPushConfigs } from "../../database/outbox.ts";
import { getTask, taskHistory, whyTask } from "../../database/reader.ts";
import type { HistoryRow, ListedPushConfig, Reason, TaskRow } from "../../database/rows.ts";
import { Refusal } from "../../gateway/refusal.ts";
import { TaskId } from "../../gateway/shapes.ts";
import { isFinal } from "../../model/task-status.ts";
import { decisionView } from "../components/decision-form.ts";
import { diffView, isDiff } from "../components/diff-view.ts";
import { fieldsOf } from "../components/forms.ts";
import { jsonView } from "../components/json-view.ts";
import { LINEAGE_TASKS_MAX, lineageView } from "../components/lineage.ts";
import { emptyState, statusView } from "../components/lists.ts";
import { momentView, spanText } from "../components/moment.ts";
import { foldedText, shownLine } from "../components/shown-text.ts";
import { operationIn, TIMELINE_ENTRIES_MAX, timelineView } from "../components/timeline.ts";
import { type Html, html } from "../html.ts";
import { definePage, type PageContext, type View } from "../page.ts";
import { effectsTable } from "./effects.ts";
import { TASK_ACTIONS, taskButtons } from "./task-actions.ts";

/** Rows of history that a page reads: two for each attempt, and some. */
const HISTORY_ROWS = TIMELINE_ENTRIES_MAX * 2;
/** Operations whose reasons a page shows. */
const REASONS_MAX = 20;
const EFFECTS_MAX = 50;

export const taskPage = definePage({
  path: "/tasks/:id",
  params: z.object({ id: TaskId }),
  query: z.strictObject({}),
  show: async (context, { params: { id } }) => {
    const told = await context.read("task", (db) => readStory(db, id));
    if (told.task === null && told.history.length === 0) {
      throw new Refusal(404, "unknown_task", `There is no task ${id}.`, {
        hint: "Tasks that ended are kept for a while; then they and their history are dropped.",
      });
    }
    if (told.task === null) {
      return droppedView(context, id, told);
    }
    // The role that reads does not see them: an address may be as good as a secret.
    const { parts, caller } = context;
    const pushes = context.may("operate")
      ? await parts.queue.write(caller, (db) => listPushConfigs(db, id))
      : [];
    return taskView(context, told.task, { ...told, pushes });
  },
  actions: TASK_ACTIONS,
});

type Story = Awaited<ReturnType<typeof readStory>>;
type Pushes = readonly ListedPushConfig[];

async function readStory(db: Database, id: string) {
  const task = await getTask(db, id);
  const history = await taskHistory(db, id, { limit: HISTORY_ROWS });
  return {
    task,
    history,
    why: await whyTask(db, id),
    reasons: await readReasons(db, history),
    family: task === null ? [] : await readFamily(db, task, { limit: LINEAGE_TASKS_MAX }),
    effects: await listEffects(db, { taskId: id, limit: EFFECTS_MAX }),
  };
}

/** Why the newest operations of a history were done, by their ids. */
async function readReasons(db: Database, history: readonly HistoryRow[]) {
  const ids = new Set(history.toReversed().flatMap(({ detail }) => operationIn(detail) ?? []));
  const reasons = new Map<string, string>();
  for (const id of [...ids].slice(0, REASONS_MAX)) {
    const reason = (await getOperation(db, id))?.reason ?? null;
    if (reason !== null) reasons.set(id, reason);
  }
  return reasons;
}

/** History outlives the task. */
function droppedView(context: PageContext, id: string, { history, reasons }: Story): View {
  const told = coveredHistory(context, history);
  return {
    title: `Task ${id}`,
    refresh: "never",
    main: html`${emptyState("The task itself is gone: it was dropped with others of its age.", "Its history is kept longer.")}
      ${section("What happened", timelineView(told, new Date(), coveredReasons(context, reasons)))}`,
  };
}

function taskView(
  context: PageContext,
  task: TaskRow,
  story: Story & { readonly pushes: Pushes },
): View {
  const now = new Date();
  const verdict = context.showResult({ ...task, result: context.redact(task.result) });
  const isAsked = task.status === "needs_decision";
  const { history } = story;
  const reasons = coveredReasons(context, story.reasons);
  const told = coveredHistory(context, history);
  return {
    title: `${task.task_type.slice(0, 80)} ${task.task_id}`,
    taskId: task.task_id,
    beside: statusView(task.status),
    main: html`${stateView(context, task, story.why, now)}
      ${isAsked && askedView(context, task, verdict)}
      ${verdict !== null && !isAsked && section("Verdict", verdict)}
      ${section("What happened", timelineView(told, now, reasons))}
      ${task.error !== null && isFinal(task.status) && section("Error", errorView(context.redactText(task.error)))}
      ${task.result !== null && !isAsked && section("Result", valueView(context, task.result))}
      ${task.decision !== null && section("Decision", valueView(context, task.decision))}
      ${section("Payload", valueView(context, task.payload))}
      ${Object.keys(task.metadata).length > 0 && section("Metadata", valueView(context, task.metadata))}
      ${story.family.length > 1 && section("Family", lineageView(story.family, { taskId: task.task_id, addressOf }))}
      ${story.effects.length > 0 && section("Effects", effectsTable(context, story.effects, { taskId: task.task_id }))}
      ${story.pushes.length > 0 && section("Pushes", pushesView(context, story.pushes))}`,
  };
}

function coveredHistory(context: PageContext, history: readonly HistoryRow[]): HistoryRow[] {
  return history.map((row) => ({
    ...row,
    error: row.error === null ? null : context.redactText(row.error),
  }));
}

/** Reasons are written by people, who paste what they have before them. */
function coveredReasons(context: PageContext, reasons: ReadonlyMap<string, string>) {
  return new Map([...reasons].map(([id, reason]) => [id, context.redactText(reason)]));
}

function addressOf(taskId: string): string {
  return `/ui/tasks/${taskId}`;
}

function section(name: string, content: Html): Html {
  const id = name.toLowerCase().replaceAll(/[^a-z]+/g, "-");
  return html`<section class="card" aria-labelledby="${id}"><h2 id="${id}">${name}</h2>${content}</section>`;
}

const PRIORITIES = ["critical", "high", "medium", "low"];

/** The address of the list of tasks that have a value. */
function tasksWith(name: string, value: string): string {
  return `/ui/tasks?${new URLSearchParams({ [name]: value }).toString()}`;
}

/** How it is, why, and what can be done about that. */
function stateView(context: PageContext, task: TaskRow, why: readonly Reason[], now: Date): Html {
  const repo = ["source_repo", "target_repo"].flatMap((key) => {
    const name = task.payload[key];
    return typeof name === "string"
      ? [html`<a href="${tasksWith("repo", name)}">${shownLine(name, 100)}</a>`]
      : [];
  });
  return html`<section class="card state" aria-label="How it is">
    <div class="why" role="status">${why.map(
      ({ reason, hint }) =>
        html`<p>${sentence(context.redactText(reason))}${hint !== null && html` <span class="hint">${shownLine(context.redactText(hint), 500)}</span>`}</p>`,
    )}</div>
    ${progressView(context, task)}
    <dl class="facts">
      ${fact("Queue", html`<a href="${tasksWith("queue", task.queue)}">${shownLine(task.queue, 100)}</a>`)}
      ${fact("Priority", PRIORITIES[task.priority] ?? String(task.priority))}
      ${fact("Enqueued", momentView(task.created_at))}
      ${fact(task.run_at > now ? "Due" : "Was due", momentView(task.run_at))}
      ${task.started_at !== null && fact("Last started", momentView(task.started_at))}
      ${task.ended_at !== null && fact("Ended", momentView(task.ended_at))}
      ${fact("Attempts", html`${task.attempt_count} so far, ${task.failure_count} of ${task.max_attempts} failures used up${task.rescue_count > 0 && html`, ${task.rescue_count} rescued`}`)}
      ${task.dedupe_key !== null && fact("Dedupe key", html`<code>${shownLine(context.redactText(task.dedupe_key), 200)}</code>`)}
      ${task.parent_task_id !== null && fact("Parent", html`<a href="${addressOf(task.parent_task_id)}">task ${task.parent_task_id}</a>`)}
      ${repo.length > 0 && fact("Repositories", html`${repo.map((one, at) => html`${at > 0 && " → "}${one}`)}`)}
    </dl>
    ${taskButtons(context, task, now)}
  </section>`;
}

function fact(name: string, value: Html | string): Html {
  return html`<div><dt>${name}</dt><dd>${value}</dd></div>`;
}

/** As SQL writes a time in a reason. */
const TIME_IN_REASON = /(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?\+00)/;

/** A reason as a sentence: with a capital, a full stop where it has no end, and times as times. */
function sentence(reason: string): Html {
  const text = `${reason.charAt(0).toUpperCase()}${reason.slice(1)}`;
  const parts = (/[.!?…]$/.test(text) ? text : `${text}.`).split(TIME_IN_REASON);
  return html`${parts.map((part, at) => {
    const time = at % 2 === 1 ? new Date(part.replace(" ", "T").replace(/\+00$/, "Z")) : null;
    return time === null || Number.isNaN(time.getTime()) ? foldedText(part) : momentView(time);
  })}`;
}

function progressView(context: PageContext, task: TaskRow): Html | false {
  const { progress_pct: percent, current_step: step, status } = task;
  if (status !== "started" || (percent === null && step === null)) return false;
  return html`<div class="progress">
    ${percent !== null && html`<progress max="100" value="${percent}" aria-label="Progress">${percent} %</progress> ${percent} %`}
    ${step !== null && shownLine(context.redactText(step))}
    ${task.started_at !== null && html`<span class="quiet">for ${spanText(Date.now() - task.started_at.getTime())}</span>`}
  </div>`;
}

function askedView(context: PageContext, task: TaskRow, verdict: Html | null): Html {
  const known = verdict ?? (task.result === null ? null : valueView(context, task.result));
  return decisionView(
    {
      prompt: context.redactText(task.decision_prompt ?? ""),
      known,
      action: `${addressOf(task.task_id)}/decide`,
      fields: fieldsOf(context),
    },
    context.may("operate"),
  );
}

function errorView(error: string): Html {
  return isDiff(error)
    ? diffView(error, "Error")
    : html`<div class="error">${foldedText(error)}</div>`;
}

function valueView(context: PageContext, value: unknown): Html {
  return jsonView(context.redact(value));
}

/** Where transitions are pushed, and whether by a secret: never which. */
function pushesView(context: PageContext, pushes: Pushes): Html {
  return html`<ul class="plain">${pushes.map((push) => {
    const secrets = [
      ...(push.has_token ? ["a token"] : []),
      ...(push.has_hmac_secret ? ["a signature"] : []),
      ...(push.has_jwt_secret ? ["a JWT"] : []),
    ];
    return html`<li><code>${shownLine(context.redactText(push.url), 500)}</code>
      <span class="quiet">${secrets.length === 0 ? "sent without a secret" : `sent with ${secrets.join(", ")}`}, since ${momentView(push.created_at)}</span></li>`;
  })}</ul>`;
}

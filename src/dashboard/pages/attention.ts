/** What waits for a person: decisions, failures by cause, attempts that do not end. */
import { randomUUID } from "node:crypto";
import { z } from "zod";
import {
  FAILURES_GROUPED_MAX,
  type FailureCause,
  type FailureGroup,
  failureOf,
  groupFailures,
  listFailureCauses,
  listQuestions,
  listStuck,
  type Question,
  QuestionPlace,
  type StuckTask,
} from "../../database/attention-lists.ts";
import { startOperation } from "../../database/operations.ts";
import { Refusal } from "../../gateway/refusal.ts";
import { TaskId } from "../../gateway/shapes.ts";
import { counted } from "../../model/text.ts";
import { actionForm, REASON_CHARS_MAX } from "../components/forms.ts";
import { countView, emptyState, table, withQuery } from "../components/lists.ts";
import { momentView } from "../components/moment.ts";
import { shownLine } from "../components/shown-text.ts";
import { type Html, html } from "../html.ts";
import { defineAction, definePage, type PageContext } from "../page.ts";

const STUCK_MAX = 50;
const CAUSES_MAX = 50;

/** Retry all failed tasks of the type and error shape of one of them. */
const retryCause = defineAction({
  path: "/attention/retry",
  role: "operate",
  params: z.object({}),
  fields: z.strictObject({
    reason: z.string().trim().min(1).max(REASON_CHARS_MAX),
    task: TaskId,
    request: z.uuid(),
  }),
  run: async ({ write }, { fields: { reason, task, request } }) => {
    const id = await write(
      async (db) => {
        const { task_type: taskType, shape: errorShape = null } = (await failureOf(db, task)) ?? {};
        if (taskType === undefined || errorShape === null) {
          throw new Refusal(409, "not_possible", `Task ${task} is not failed any more.`, {
            hint: "Somebody may have retried these tasks. Load the page again.",
          });
        }
        const filter = { status: "failed", taskType, errorShape } as const;
        return await startOperation(db, { action: "retry", filter, requestKey: request });
      },
      { reason },
    );
    return {
      notice: `Operation ${id} retries all failed tasks of this cause, batch by batch.`,
      to: "/ui/operations",
    };
  },
});

export const attentionPage = definePage({
  path: "/attention",
  nav: "Attention",
  params: z.object({}),
  query: z.strictObject({ after: QuestionPlace.optional() }),
  show: async (context, { query: { after } }) => {
    const told = await context.read("attention", async (db) => ({
      questions: await listQuestions(db, after),
      failures: await groupFailures(db),
      stuck: await listStuck(db, STUCK_MAX),
      causes: await listFailureCauses(db, CAUSES_MAX),
    }));
    const { questions, failures, stuck, causes } = told;
    const isCalm = questions.rows.length + failures.groups.length + stuck.length === 0;
    return {
      title: "Attention",
      main: html`${isCalm && emptyState("Nothing needs a person.", "Decisions, failed tasks and attempts that run for over an hour are listed here.")}
        ${questions.rows.length > 0 && questionsView(context, questions)}
        ${failures.groups.length > 0 && failuresView(context, failures)}
        ${stuck.length > 0 && stuckView(context, stuck)}
        ${causes.length > 0 && causesView(causes)}`,
    };
  },
  actions: [retryCause],
});

function part(id: string, name: string, content: Html): Html {
  return html`<section class="card" aria-labelledby="${id}"><h2 id="${id}">${name}</h2>${content}</section>`;
}

function taskLink(taskId: string, taskType?: string): Html {
  return html`<a href="/ui/tasks/${taskId}">${taskType !== undefined && html`${shownLine(taskType, 60)} `}${taskId}</a>`;
}

function questionsView(
  context: PageContext,
  { rows, next }: { readonly rows: readonly Question[]; readonly next: string | null },
): Html {
  const row = (one: Question) => html`<tr>
    <th scope="row">${taskLink(one.task_id, one.task_type)}</th>
    <td class="long">${shownLine(context.redactText(one.decision_prompt))}</td>
    <td>${momentView(one.started_at ?? one.created_at)}</td>
    <td>${context.may("operate") && html`<a class="button" href="/ui/tasks/${one.task_id}#decision" aria-label="Decide task ${one.task_id}">Decide</a>`}</td>
  </tr>`;
  const { url } = context;
  return part(
    "questions",
    "Waits for a decision",
    html`${table({ label: "Decisions", head: ["Task", "Question", "Since", "Action"], rows: rows.map(row) })}
      ${
        (next !== null || url.searchParams.has("after")) &&
        html`<nav class="pages" aria-label="Pages of the decisions">
        ${url.searchParams.has("after") && html`<a href="${withQuery(url, { after: null })}">Oldest</a>`}
        ${next !== null && html`<a href="${withQuery(url, { after: next })}" rel="next">Newer</a>`}
      </nav>`
      }`,
  );
}

function failuresView(
  context: PageContext,
  { groups, isAll }: Awaited<ReturnType<typeof groupFailures>>,
): Html {
  const row = (group: FailureGroup) => html`<tr>
    <th scope="row" class="long">${group.shape === null ? "No error is known" : html`<code>${shownLine(context.redactText(group.shape))}</code>`}
      <p class="quiet">${shownLine(group.task_type, 100)}, such as ${group.task_ids.map((id, at) => html`${at > 0 && ", "}${taskLink(id)}`)}</p></th>
    <td class="number">${!isAll && "at least "}${countView(group.count)}</td>
    <td>${momentView(group.oldest_at)}</td>
    <td>${momentView(group.newest_at)}</td>
    <td>${retryForm(context, group)}</td>
  </tr>`;
  return part(
    "failures",
    "Failed, by cause",
    html`<p class="hint">Errors that differ in numbers and ids alone are one cause. The cause with the oldest task comes first.
      ${!isAll && `Of more than ${FAILURES_GROUPED_MAX} failed tasks the newest are grouped; a retry takes all of the cause.`}</p>
    ${table({ label: "Causes", head: ["Cause", html`<span class="number">Tasks</span>`, "Oldest", "Newest", "Action"], rows: groups.map(row) })}`,
  );
}

function retryForm(
  context: PageContext,
  { task_ids: [task], shape, count }: FailureGroup,
): Html | false {
  return (
    context.may("operate") &&
    task !== undefined &&
    shape !== null &&
    actionForm(context, {
      action: "/ui/attention/retry",
      label: count === 1 ? `Retry all like task ${task}` : `Retry all ${count}`,
      explains:
        "Queues all failed tasks of this type and cause again, in batches that can be stopped under Operations.",
      fields: html`<input type="hidden" name="task" value="${task}"><input type="hidden" name="request" value="${randomUUID()}">`,
    })
  );
}

function stuckView(context: PageContext, stuck: readonly StuckTask[]): Html {
  const row = (one: StuckTask) => html`<tr>
    <th scope="row">${taskLink(one.task_id, one.task_type)}</th>
    <td class="long">${one.detail !== null && shownLine(context.redactText(one.detail))}</td>
    <td>${momentView(one.since)}</td>
  </tr>`;
  return part(
    "stuck",
    "Runs for over an hour",
    table({
      label: "Long attempts",
      head: ["Task", "How far it is", "Started"],
      rows: stuck.map(row),
    }),
  );
}

function causesView(causes: readonly FailureCause[]): Html {
  return part(
    "causes",
    "Why attempts failed in the last 24 hours",
    html`<p class="hint">${counted(causes.length, "kind")} of failure. Most attempts that fail are tried again by themselves.</p>
    ${table({ label: "Why attempts failed", head: ["Task type", "Kind of failure", "Attempts", "Ended the task", "Newest"], rows: causes.map(causeView) })}`,
  );
}

function causeView(one: FailureCause): Html {
  return html`<tr>
    <th scope="row">${shownLine(one.task_type, 100)}</th>
    <td>${shownLine(one.cause, 200)}</td>
    <td class="number">${countView(one.count)}</td>
    <td class="number">${countView(one.ended)}</td>
    <td>${momentView(one.last_at)} ${taskLink(one.last_task_id)}</td>
  </tr>`;
}

/** What a person can do with one task. */
import { z } from "zod";
import { changeRunAt } from "../../database/operations.ts";
import { cancelTask, decideTask, retryTask } from "../../database/operator.ts";
import type { TaskRow } from "../../database/rows.ts";
import { Refusal } from "../../gateway/refusal.ts";
import { TaskId } from "../../gateway/shapes.ts";
import { checkJson } from "../../model/payload.ts";
import { isFinal } from "../../model/task-status.ts";
import { ANSWER_CHARS_MAX, answerOf } from "../components/decision-form.ts";
import { actionForm, REASON_CHARS_MAX } from "../components/forms.ts";
import { type Html, html } from "../html.ts";
import {
  type Action,
  type ActionContext,
  type Done,
  defineAction,
  type PageContext,
} from "../page.ts";

const ReasonFields = z.strictObject({ reason: z.string().trim().min(1).max(REASON_CHARS_MAX) });
const TaskParams = z.object({ id: TaskId });

/** An action on one task that asks for nothing but a reason. */
function taskAction(
  verb: string,
  act: (
    write: (work: Parameters<ActionContext["write"]>[0]) => Promise<unknown>,
    id: string,
  ) => Promise<string>,
): Action {
  return defineAction({
    path: `/tasks/:id/${verb}`,
    role: "operate",
    params: TaskParams,
    fields: ReasonFields,
    run: async ({ write }, { params: { id }, fields }): Promise<Done> => ({
      notice: await act((work) => write(work, fields), id),
      to: `/ui/tasks/${id}`,
    }),
  });
}

const decideAction = defineAction({
  path: "/tasks/:id/decide",
  role: "operate",
  params: TaskParams,
  fields: z.strictObject({
    answer: z.string().max(200).optional(),
    written: z.string().max(ANSWER_CHARS_MAX).optional(),
  }),
  run: async ({ write }, { params: { id }, fields }) => {
    const answer = answerOf(fields);
    if (answer === undefined) {
      throw new Refusal(422, "invalid_request", "The answer is empty.", {
        hint: "Go back, and write an answer or choose one.",
      });
    }
    checkJson(answer, "answer");
    await write((db) => decideTask(db, id, answer), { reason: undefined });
    return { notice: `Task ${id} has its answer, and is queued again.`, to: `/ui/tasks/${id}` };
  },
});

export const TASK_ACTIONS: readonly Action[] = [
  taskAction("cancel", async (write, id) => {
    const outcome = await write((db) => cancelTask(db, id));
    return outcome === "cancelled"
      ? `Task ${id} is cancelled.`
      : `Task ${id} is running: its worker was asked to stop it.`;
  }),
  taskAction("retry", async (write, id) => {
    await write((db) => retryTask(db, id));
    return `Task ${id} is queued again.`;
  }),
  taskAction("run-now", async (write, id) => {
    const isChanged = await write((db) => changeRunAt(db, id, null));
    return isChanged === true ? `Task ${id} is due now.` : `Task ${id} was due already.`;
  }),
  decideAction,
];

/** Buttons for what is possible with the task as it is; none for a reader. */
export function taskButtons(context: PageContext, task: TaskRow, now: Date): Html | false {
  if (!context.may("operate")) return false;
  const { task_id: id, status } = task;
  const button = (verb: string, label: string, explains: string, isGrave = false) =>
    actionForm(context, { action: `/ui/tasks/${id}/${verb}`, label, explains, isGrave });
  return html`<div class="buttons">
    ${status === "queued" && task.run_at > now && button("run-now", "Run now", "Makes the task due at once, in place of waiting for its time.")}
    ${(status === "failed" || status === "cancelled") && button("retry", "Retry", "Queues the task again, with its whole budget of attempts.")}
    ${!isFinal(status) && button("cancel", "Cancel", status === "started" ? "Asks the worker to stop it. If it finishes first, it is finished." : "Ends the task without running it again.", true)}
  </div>`;
}

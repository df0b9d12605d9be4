/**
 * What can be done with the tasks that are selected in a list, and with all that match its
 * filter.
 */
import { z } from "zod";
import type { Database } from "../../database/database.ts";
import { cancelTask, retryTask } from "../../database/operator.ts";
import { TaskId } from "../../gateway/shapes.ts";
import { counted } from "../../model/text.ts";
import { fieldsOf, REASON_CHARS_MAX, reasonField } from "../components/forms.ts";
import { type Html, html } from "../html.ts";
import { defineAction, type PageContext } from "../page.ts";

/** Of one form: a page of the list has fewer. */
const SELECTED_MAX = 100;

const DEEDS = {
  retry: { label: "Retry", done: "Retried", run: retryTask },
  cancel: { label: "Cancel", done: "Cancelled", run: cancelTask },
} as const satisfies Record<
  string,
  { label: string; done: string; run: (db: Database, taskId: string) => Promise<unknown> }
>;
type Deed = keyof typeof DEEDS;
const DEED_NAMES = ["retry", "cancel"] as const satisfies readonly Deed[];

const Selected = z
  .union([TaskId.transform((id) => [id]), z.array(TaskId).max(SELECTED_MAX)])
  .optional();

export const actOnSelected = defineAction({
  path: "/tasks/act",
  role: "operate",
  params: z.object({}),
  fields: z.strictObject({
    task: Selected,
    deed: z.enum(DEED_NAMES),
    reason: z.string().trim().min(1).max(REASON_CHARS_MAX),
    back: z.string().max(4_000).optional(),
  }),
  run: async ({ write }, { fields: { task = [], deed, reason, back } }) => {
    const to = back?.startsWith("?") === true ? `/ui/tasks${back}` : "/ui/tasks";
    const { done, run } = DEEDS[deed];
    let count = 0;
    const refused: string[] = [];
    // Each by itself: one that has moved on meanwhile does not keep the others back.
    for (const id of task) {
      try {
        await write<unknown>((db) => run(db, id), { reason });
        count += 1;
      } catch (err) {
        if (!isExpected(err)) throw err;
        refused.push(id);
      }
    }
    const tail =
      refused.length === 0
        ? ""
        : ` Not possible for ${counted(refused.length, "task")} in their status: ${refused.slice(0, 10).join(", ")}.`;
    const notice =
      task.length === 0
        ? "No task was selected; nothing was done."
        : `${done} ${counted(count, "task")}.${tail}`;
    return { notice, to };
  },
});

/** It moved on meanwhile, or is gone. */
function isExpected(err: unknown): boolean {
  return err instanceof Error && "code" in err && (err.code === "TR001" || err.code === "TR002");
}

/** The list in a form, and below it what can be done with what is selected. */
export function selectedForm(context: PageContext, list: Html): Html {
  return html`<form method="post" action="/ui/tasks/act" class="selecting">
    ${fieldsOf(context)}
    <input type="hidden" name="back" value="${context.url.search}">
    ${list}
    <fieldset class="deeds">
      <legend>With <span data-checked-count>the</span> selected</legend>
      ${reasonField()}
      <div class="buttons">${DEED_NAMES.map(
        (deed) =>
          html`<button name="deed" value="${deed}"${deed === "cancel" && html` class="grave"`}>${DEEDS[deed].label}</button>`,
      )}</div>
      <p class="all"><a href="${allAddress(context.url)}">All that match this filter…</a></p>
    </fieldset>
  </form>`;
}

/** The page that acts on all, also on those of other pages. */
function allAddress(url: URL): string {
  const query = new URLSearchParams(url.search);
  query.delete("after");
  const text = query.toString();
  return text === "" ? "/ui/tasks/all" : `/ui/tasks/all?${text}`;
}

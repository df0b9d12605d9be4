/** The family of a task as a tree. */
import { type Html, html } from "../html.ts";
import { shownLine } from "./shown-text.ts";

/** Tasks of a family that are drawn. */
export const LINEAGE_TASKS_MAX = 200;

/** A member of a family; the parents come before their children. */
export type Relative = {
  readonly task_id: string;
  readonly parent_task_id: string | null;
  readonly task_type: string;
  readonly status: string;
};

/**
 * The family as nested lists, each task with a link but the one that the page is about. `addressOf`
 * gives the address of a task's page. A task whose parent is not among those that are drawn stands
 * at the top.
 */
export function lineageView(
  family: readonly Relative[],
  {
    taskId,
    addressOf,
  }: { readonly taskId: string; readonly addressOf: (taskId: string) => string },
): Html {
  const shown = drawnOf(family, taskId);
  const ids = new Set(shown.map(({ task_id }) => task_id));
  const children = Map.groupBy(shown, ({ parent_task_id: parent }) =>
    parent !== null && ids.has(parent) ? parent : "",
  );
  const left = family.length - shown.length;
  const branch = (of: string): Html | false => {
    const members = children.get(of) ?? [];
    return (
      members.length > 0 &&
      html`<ul>${members.map((one) => html`<li>${memberView(one)}${branch(one.task_id)}</li>`)}</ul>`
    );
  };
  const memberView = (one: Relative): Html => {
    const name = html`${shownLine(one.task_type)} ${one.task_id}`;
    return html`${
      one.task_id === taskId
        ? html`<b aria-current="page">${name}</b>`
        : html`<a href="${addressOf(one.task_id)}">${name}</a>`
    } <span class="status ${one.status}">${one.status}</span>`;
  };
  return html`<div class="lineage">${branch("")}${
    left > 0 && html`<p class="cut">… and ${left} more tasks of the family</p>`
  }</div>`;
}

/** The first of the family, with the task itself and those between it and the root in any case. */
function drawnOf(family: readonly Relative[], taskId: string): Relative[] {
  const byId = new Map(family.map((one) => [one.task_id, one]));
  const kept = new Set<Relative>();
  for (
    let one = byId.get(taskId);
    one !== undefined && !kept.has(one) && kept.size < LINEAGE_TASKS_MAX;
  ) {
    kept.add(one);
    one = one.parent_task_id === null ? undefined : byId.get(one.parent_task_id);
  }
  for (const one of family) {
    if (kept.size >= LINEAGE_TASKS_MAX) break;
    kept.add(one);
  }
  return family.filter((one) => kept.has(one));
}

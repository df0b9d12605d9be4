/** What forms of all pages are made of. */
import { type Html, html } from "../html.ts";
import type { PageContext } from "../page.ts";

/** Characters of a reason; the database takes as many. */
export const REASON_CHARS_MAX = 2_000;

/** The field by which the server knows its own forms: the first of each. */
export function fieldsOf({ token }: Pick<PageContext, "token">): Html {
  return html`<input type="hidden" name="_csrf" value="${token}">`;
}

/** Why something is done: read later beside who did it. */
export function reasonField(): Html {
  return html`<label class="reason">Reason
    <input name="reason" required maxlength="${REASON_CHARS_MAX}" autocomplete="off"
      placeholder="read later in Operations"></label>`;
}

/**
 * A button that opens the rest of its form: a reason, what else is asked, and the button that
 * does it.
 */
export function actionForm(
  context: Pick<PageContext, "token">,
  options: {
    /** Such as `/ui/tasks/1/cancel`. */
    readonly action: string;
    /** On the button, and what is asked when it is open. */
    readonly label: string;
    /** Of what, where the label alone does not say it: told, and not shown beside what tells it. */
    readonly of?: string;
    readonly explains?: string;
    /** Fields beside the reason. */
    readonly fields?: Html;
    /** Whether it undoes something, or ends it. */
    readonly isGrave?: boolean;
  },
): Html {
  const { action, label, of, explains, fields, isGrave = false } = options;
  const says = html`${label}${of !== undefined && html`<span class="unseen"> ${of}</span>`}`;
  return html`<details class="action" name="action">
    <summary class="button${isGrave && " grave"}">${says}</summary>
    <form method="post" action="${action}">
      ${fieldsOf(context)}
      ${explains !== undefined && html`<p>${explains}</p>`}
      ${fields}
      ${reasonField()}
      <button class="${isGrave ? "grave" : "main"}">${says}</button>
    </form>
  </details>`;
}

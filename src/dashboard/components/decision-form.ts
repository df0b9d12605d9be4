/** What a person is asked, what is known so far, and where the answer goes. */
import { type Html, html } from "../html.ts";
import { foldedText } from "./shown-text.ts";

/** Answers that are offered as buttons; any other JSON can be written. */
const ANSWERS = [
  { value: "yes", says: "Yes" },
  { value: "no", says: "No" },
  { value: "ignore", says: "Ignore it" },
] as const;

/** Characters of an answer that is written. */
export const ANSWER_CHARS_MAX = 10_000;

export type DecisionAsked = {
  readonly prompt: string;
  /** What the attempt found out before it asked; null: nothing. */
  readonly known: Html | null;
  /** Where the form is sent. */
  readonly action: string;
  /** What every form of the page has, such as its token and the field for a reason. */
  readonly fields: Html;
};

/** Null in place of a form: whoever reads this may not decide. */
export function decisionView(
  { prompt, known, action, fields }: DecisionAsked,
  mayDecide: boolean,
): Html {
  return html`<section class="decision" aria-labelledby="decision">
    <h2 id="decision">A decision is needed</h2>
    <p class="prompt">${foldedText(prompt)}</p>
    ${known !== null && html`<details><summary>What is known so far</summary>${known}</details>`}
    ${
      mayDecide
        ? html`<form method="post" action="${action}">
          ${fields}
          <div class="buttons">${ANSWERS.map(
            ({ value, says }) => html`<button name="answer" value="${value}">${says}</button>`,
          )}</div>
          <details><summary>Another answer</summary>
            <label>An answer in words, or as JSON
              <textarea name="written" rows="3" maxlength="${ANSWER_CHARS_MAX}"></textarea></label>
            <button name="answer" value="">Send this answer</button>
          </details>
        </form>`
        : html`<p class="quiet">You may read this, and not decide it.</p>`
    }
  </section>`;
}

/**
 * What the fields of the form mean: a written answer is JSON where it parses as an object, array,
 * number, boolean or string, and words otherwise. Undefined for no answer.
 */
export function answerOf(fields: {
  readonly answer?: string | undefined;
  readonly written?: string | undefined;
}): unknown {
  const { answer = "", written = "" } = fields;
  if (answer !== "") return { answer };
  const text = written.trim();
  if (text === "") return undefined;
  try {
    const parsed: unknown = JSON.parse(text);
    return parsed ?? undefined;
  } catch {
    return { answer: text };
  }
}

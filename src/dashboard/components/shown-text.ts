/** Texts of strangers, for people: nothing in them is run, and nothing in them is out of sight. */
import { counted, visibleParts } from "../../model/text.ts";
import { type Html, html } from "../html.ts";

/** Characters that stand there before a text is folded. */
export const TEXT_FOLD_CHARS = 300;
/** Characters of one text that a page carries at all. */
export const TEXT_CHARS_MAX = 50_000;

/**
 * The text, in which control characters, escape sequences and invisible characters are marked and
 * written as `\u001b`. A terminal's colours, a turned direction or a second line are seen, not met.
 */
export function shownText(text: string): Html {
  return html`${visibleParts(text.slice(0, TEXT_CHARS_MAX)).map((part) =>
    part.isHidden
      ? html`<span class="control" title="invisible characters">${part.text}</span>`
      : part.text,
  )}${
    text.length > TEXT_CHARS_MAX &&
    html`<span class="cut"> … ${counted(text.length - TEXT_CHARS_MAX, "more character")}</span>`
  }`;
}

/** The same on one line: line breaks and runs of blanks are one blank. */
export function shownLine(text: string, charsMax = TEXT_FOLD_CHARS): Html {
  const line = text.slice(0, TEXT_CHARS_MAX).replaceAll(/\s+/g, " ").trim();
  return line.length <= charsMax
    ? shownText(line)
    : html`${shownText(line.slice(0, charsMax).toWellFormed())}…`;
}

/** The text; of a long one the beginning, and the whole of it behind a button. */
export function foldedText(text: string): Html {
  if (text.length <= TEXT_FOLD_CHARS) {
    return shownText(text);
  }
  const start = text.slice(0, TEXT_FOLD_CHARS).toWellFormed();
  return html`<details class="long-text">
    <summary>${shownText(start)}… <span class="cut">${counted(text.length, "character")}</span></summary>
    <pre tabindex="0" class="whole-text">${shownText(text)}</pre>
  </details>`;
}

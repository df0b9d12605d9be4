/** Patches and diffs as people read them: what goes, what comes, and where. */
import { counted, visibleLine } from "../../model/text.ts";
import { type Html, html } from "../html.ts";
import { shownText, TEXT_CHARS_MAX } from "./shown-text.ts";

/** Lines of one diff that are drawn. */
export const DIFF_LINES_MAX = 2_000;

/** Whether a text is a unified diff, as git and patch write it: then each line has a meaning. */
export function isDiff(text: string): boolean {
  return /^@@ -\d+(?:,\d+)? \+\d+(?:,\d+)? @@/m.test(text.slice(0, TEXT_CHARS_MAX));
}

/**
 * The lines of a unified diff. Lines that come and go are `ins` and `del`, so that a reader who sees
 * no colours hears or sees them too; a diff without headers has only such lines.
 */
export function diffView(text: string, name: string): Html {
  const lines = text.slice(0, TEXT_CHARS_MAX).split("\n");
  if (lines.at(-1) === "") lines.pop();
  const shown = lines.slice(0, DIFF_LINES_MAX);
  const left = lines.length - shown.length;
  const isCut = text.length > TEXT_CHARS_MAX;
  return html`<pre class="diff" tabindex="0" role="region" aria-label="${visibleLine(name)}">${kinds(
    shown,
  ).map(({ line, kind }) => lineView(line, kind))}${
    (left > 0 || isCut) &&
    html`<span class="cut">… ${left > 0 ? counted(left, "more line") : "cut here"}</span>`
  }</pre>`;
}

type Kind = "file" | "hunk" | "add" | "remove" | "same";

/** A line `--- a` removes `-- a` inside of a hunk, and names a file before one. */
function kinds(lines: readonly string[]): { readonly line: string; readonly kind: Kind }[] {
  const hasHeaders = lines.some((line) => line.startsWith("@@ "));
  let isHead = hasHeaders;
  return lines.map((line, at) => {
    if (line.startsWith("diff --git ") || (line.startsWith("--- ") && isNextFile(lines, at))) {
      isHead = hasHeaders;
    }
    if (line.startsWith("@@ ")) {
      isHead = false;
      return { line, kind: "hunk" };
    }
    if (isHead) return { line, kind: "file" };
    return { line, kind: line.startsWith("+") ? "add" : line.startsWith("-") ? "remove" : "same" };
  });
}

function isNextFile(lines: readonly string[], at: number): boolean {
  return (lines[at + 1] ?? "").startsWith("+++ ") && (lines[at + 2] ?? "").startsWith("@@ ");
}

function lineView(line: string, kind: Kind): Html {
  const shown = shownText(line);
  if (kind === "add") return html`<ins class="line">${shown}${"\n"}</ins>`;
  if (kind === "remove") return html`<del class="line">${shown}${"\n"}</del>`;
  return html`<span class="line ${kind}">${shown}${"\n"}</span>`;
}

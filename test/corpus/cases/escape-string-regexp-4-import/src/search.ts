import escapeStringRegexp from "escape-string-regexp";

export function highlight(text: string, term: string): string {
  return text.replace(new RegExp(escapeStringRegexp(term), "gi"), (found) => `<b>${found}</b>`);
}

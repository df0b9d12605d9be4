/**
 * Pages as template literals whose values are text: there is no way to put markup in by a value.
 */

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text that is safe to send as HTML. Only the tag `html` makes it: there is no `raw`. */
export class Html {
  readonly #text: string;

  constructor(strings: TemplateStringsArray, values: readonly HtmlValue[]) {
    this.#text = String.raw({ raw: strings }, ...values.map(textOf));
  }

  toString(): string {
    return this.#text;
  }
}

/** An object, a promise or a boolean `true` is no text: it does not compile. */
export type HtmlValue = Html | string | number | false | null | undefined | readonly HtmlValue[];

/**
 * HTML by template literal. Each value is escaped for text and for a quoted attribute; never put
 * one into an unquoted attribute, a script, a style or a URL's scheme.
 */
export function html(strings: TemplateStringsArray, ...values: HtmlValue[]): Html {
  return new Html(strings, values);
}

function textOf(value: HtmlValue): string {
  if (value === null || value === undefined || value === false) return "";
  if (value instanceof Html) return value.toString();
  if (typeof value === "object") return value.map(textOf).join("");
  return String(value).replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? "");
}

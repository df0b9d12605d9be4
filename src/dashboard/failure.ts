/** The page in place of one that could not be shown. */
import type { Refusal } from "../gateway/refusal.ts";
import { html } from "./html.ts";
import type { View } from "./page.ts";

const TITLES: Readonly<Record<number, string>> = {
  400: "This cannot be read",
  401: "Sign in",
  403: "This is refused",
  404: "There is no such page",
  409: "This is not possible now",
  422: "This is refused",
  429: "Too many requests",
  503: "The database does not answer",
};

/** Null: a bug, of which the reader learns nothing more. */
export function failureView(refusal: Refusal | null): View {
  const { statusCode = 500, message = "The page failed.", hint = null } = refusal ?? {};
  const advice =
    refusal === null ? "This is a bug in triaged; the log of the gateway has more." : hint;
  return {
    title: TITLES[statusCode] ?? "This did not work",
    status: statusCode,
    refresh: statusCode === 503 ? "recover" : "never",
    main: html`<div class="empty">
      <p>${message}</p>
      ${advice !== null && html`<p class="hint">${advice}</p>`}
      <p><a href="/ui">To the overview</a></p>
    </div>`,
  };
}

/** Tables, pages of them, and what stands where there is nothing. */
import { type Html, html } from "../html.ts";
import type { PageContext } from "../page.ts";

/** A table that scrolls by itself where the window is narrow. `head`: a heading for each column. */
export function table(options: {
  readonly label: string;
  readonly head: readonly (string | Html)[];
  /** Rows: `<tr>…</tr>`. */
  readonly rows: readonly Html[];
  /** In place of a table without rows. */
  readonly empty?: Html;
}): Html {
  const { label, head, rows, empty } = options;
  if (rows.length === 0 && empty !== undefined) {
    return empty;
  }
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${label}">
    <table>
      <thead><tr>${head.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
      <tbody>${rows}</tbody>
    </table>
  </div>`;
}

/** What stands where there is nothing: what that means, and what to do about it. */
export function emptyState(sentence: string, hint?: string | Html): Html {
  return html`<div class="empty"><p>${sentence}</p>${hint !== undefined && html`<p class="hint">${hint}</p>`}</div>`;
}

/** Links to the newest and to the next page of a list that is read by keyset. */
export function pageLinks({ url }: Pick<PageContext, "url">, next: string | null): Html {
  const isFirst = !url.searchParams.has("after");
  if (isFirst && next === null) {
    return html``;
  }
  return html`<nav class="pages" aria-label="Pages of the list">
    ${isFirst ? html`<span class="hint">Newest</span>` : html`<a href="${withQuery(url, { after: null })}">Newest</a>`}
    ${next === null ? html`<span class="hint">These are the oldest</span>` : html`<a href="${withQuery(url, { after: next })}" rel="next">Older</a>`}
  </nav>`;
}

/** The same address with other values in its query; null takes one out. */
export function withQuery(url: URL, changes: Readonly<Record<string, string | null>>): string {
  const query = new URLSearchParams(url.search);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) {
      query.delete(name);
    } else {
      query.set(name, value);
    }
  }
  const text = query.toString();
  return text === "" ? url.pathname : `${url.pathname}?${text}`;
}

/**
 * Exact up to a thousand; beyond that short, as `12.3k`, with the whole number where it is
 * pointed at.
 */
export function countView(count: number): Html {
  return count < 10_000
    ? html`${count}`
    : html`<span title="${count}">${SHORT.format(count)}</span>`;
}

const SHORT = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

/** A status, in its colour and in words. */
export function statusView(status: string): Html {
  return html`<span class="status ${status.replaceAll(/[^a-z_]/g, "")}">${status.replaceAll("_", " ")}</span>`;
}

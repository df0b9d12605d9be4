/**
 * Charts: drawn by the page's script from figures in the page, and told in a sentence beside it.
 */
import { type Html, html } from "../html.ts";

export type Chart = {
  readonly title: string;
  /** Instants in seconds since 1970, in order. */
  readonly at: readonly number[];
  /** At most four; each with a figure, or none, for each instant. */
  readonly series: readonly {
    readonly label: string;
    readonly values: readonly (number | null)[];
  }[];
  /** `s`: the figures are seconds. Empty: counts. */
  readonly unit: "s" | "";
  /** What it comes to, for whoever does not see it. */
  readonly sums: string;
};

export function chartView({ title, at, series, unit, sums }: Chart): Html {
  const figures = JSON.stringify({ at, series, unit });
  return html`<figure class="card chart">
    <figcaption>${title}
      <ul class="key">${series.map(({ label }) => html`<li>${label}</li>`)}</ul></figcaption>
    <div class="plot" data-keep data-chart="${figures}" role="img" aria-label="${title}: ${sums}"></div>
    <p class="read" data-keep></p>
    <p class="hint">${sums}</p>
  </figure>`;
}

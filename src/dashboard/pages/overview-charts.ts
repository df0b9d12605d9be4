/** What happened lately, as charts: throughput and failures, waits, runs. */
import { SERIES_RANGES, type SeriesPoint, type SeriesRange } from "../../database/series.ts";
import { type Chart, chartView } from "../components/charts.ts";
import { withQuery } from "../components/lists.ts";
import { spanText } from "../components/moment.ts";
import { type Html, html } from "../html.ts";

const RANGE_NAMES: Readonly<Record<SeriesRange, string>> = {
  "5m": "5 min",
  "1h": "1 h",
  "24h": "24 h",
  "7d": "7 days",
};
export const RANGES = ["5m", "1h", "24h", "7d"] as const satisfies readonly SeriesRange[];

/** `per minute`, `per 10 s`. */
function perStep(seconds: number): string {
  const whole = { 60: "minute", 3600: "hour", 86_400: "day" }[seconds];
  return `per ${whole ?? spanText(seconds * 1000)}`;
}

export function chartsView(url: URL, range: SeriesRange, points: readonly SeriesPoint[]): Html {
  const step = SERIES_RANGES[range].step;
  const at = points.map((point) => Math.round(point.at.getTime() / 1000));
  const line = (label: string, valueOf: (point: SeriesPoint) => number | null) => ({
    label,
    values: points.map(valueOf),
  });
  const sum = (valueOf: (point: SeriesPoint) => number) =>
    points.reduce((all, point) => all + valueOf(point), 0);
  const worst = (valueOf: (point: SeriesPoint) => number | null) =>
    spanText(Math.max(0, ...points.map((point) => valueOf(point) ?? 0)) * 1000);
  const charts: Chart[] = [
    {
      title: `Tasks ${perStep(step)}`,
      at,
      unit: "",
      series: [
        line("enqueued", (point) => point.enqueued),
        line("failed", (point) => point.failed),
        line("finished", (point) => point.finished),
      ],
      sums: `${sum((point) => point.enqueued)} enqueued, ${sum((point) => point.finished)} finished, ${sum((point) => point.failed)} failed, ${sum((point) => point.failed_attempts)} attempts failed`,
    },
    {
      title: "Wait, from due to started",
      at,
      unit: "s",
      series: [
        line("p50", (point) => point.wait_seconds_p50),
        line("p95", (point) => point.wait_seconds_p95),
      ],
      sums: `p50 at most ${worst((point) => point.wait_seconds_p50)}, p95 at most ${worst((point) => point.wait_seconds_p95)}`,
    },
    {
      title: "Run, from started to ended",
      at,
      unit: "s",
      series: [
        line("p50", (point) => point.run_seconds_p50),
        line("p95", (point) => point.run_seconds_p95),
      ],
      sums: `p50 at most ${worst((point) => point.run_seconds_p50)}, p95 at most ${worst((point) => point.run_seconds_p95)}`,
    },
  ];
  return html`<section aria-labelledby="lately" class="lately">
    <div class="head"><h2 id="lately">Lately</h2>
      <nav class="tabs" aria-label="Time of the charts">${RANGES.map(
        (name) =>
          html`<a href="${withQuery(url, { range: name })}"${name === range && html` aria-current="true"`}>${RANGE_NAMES[name]}</a>`,
      )}</nav></div>
    <div class="cards">${charts.map(chartView)}</div>
  </section>`;
}

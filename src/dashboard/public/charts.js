// Charts. uPlot is a classic script that leaves one global; a page without charts does not load
// it.

/**
 * What `data-chart` says: instants in seconds, and a line of figures for each series.
 * @typedef {{ at: number[], series: { label: string, values: (number | null)[] }[], unit: string,
 * isSteps?: boolean }} Chart
 */

const HEIGHT_PX = 160;
const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const DAY = new Intl.DateTimeFormat(undefined, { weekday: "short", hour: "2-digit" });
const EXACT = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

/** @type {WeakMap<Element, { plot: import("uplot"), text: string }>} */
const drawn = new WeakMap();

/**
 * Draw each chart of the page, or draw it anew where its figures changed.
 * @param {ParentNode} root
 */
export function drawCharts(root) {
  for (const element of root.querySelectorAll(".plot[data-chart]")) {
    if (!(element instanceof HTMLElement) || typeof uPlot === "undefined") continue;
    const text = element.dataset["chart"] ?? "";
    const known = drawn.get(element);
    if (known?.text === text) continue;
    /** @type {Chart} */
    const chart = JSON.parse(text);
    if (known !== undefined && known.plot.series.length === chart.series.length + 1) {
      known.plot.setData(columnsOf(chart));
      known.text = text;
      continue;
    }
    known?.plot.destroy();
    drawn.set(element, { plot: draw(element, chart), text });
  }
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const element of document.querySelectorAll(".plot[data-chart]")) {
    drawn.get(element)?.plot.destroy();
    drawn.delete(element);
  }
  drawCharts(document);
});

/**
 * @param {HTMLElement} element
 * @param {Chart} chart
 */
function draw(element, chart) {
  const style = getComputedStyle(element);
  const color = (/** @type {string} */ name) => style.getPropertyValue(name).trim();
  const axis = {
    stroke: color("--muted"),
    grid: { stroke: color("--line"), width: 1 },
    ticks: { stroke: color("--line"), width: 1 },
    font: "12px system-ui, sans-serif",
  };
  const plot = new uPlot(
    {
      width: Math.max(element.clientWidth, 100),
      height: HEIGHT_PX,
      legend: { show: false },
      cursor: { y: false, points: { size: 7 } },
      hooks: {
        setCursor: [(/** @type {import("uplot")} */ shown) => tell(element, shown, chart)],
      },
      axes: [
        { ...axis, space: 70, values: (shown, at) => at.map((seconds) => clock(shown, seconds)) },
        {
          ...axis,
          size: 64,
          // Nobody counts half a task.
          ...(chart.unit === "" ? { incrs: WHOLE_STEPS } : {}),
          values: (_shown, values) => values.map((value) => figure(value, chart.unit)),
        },
      ],
      scales: { y: { range: (_shown, _low, high) => [0, Math.max(high * 1.1, 1e-3)] } },
      series: [
        {},
        ...chart.series.map(({ label }, place) => ({
          label,
          stroke: color(`--series-${place + 1}`),
          width: 2,
          // A figure without neighbours has no line.
          points: {
            show: true,
            size: 5,
            filter: (/** @type {import("uplot")} */ shown, /** @type {number} */ at) =>
              lonely(shown.data[at] ?? []),
          },
          spanGaps: false,
        })),
      ],
    },
    columnsOf(chart),
    element,
  );
  new ResizeObserver(() => {
    if (element.clientWidth > 0 && element.clientWidth !== plot.width) {
      plot.setSize({ width: element.clientWidth, height: HEIGHT_PX });
    }
  }).observe(element);
  return plot;
}

/** Steps between the lines of a chart of counts. */
const WHOLE_STEPS = Array.from({ length: 10 }, (_, power) =>
  [1, 2, 5].map((step) => step * 10 ** power),
).flat();

/**
 * The places of figures that have none beside them.
 * @param {ArrayLike<number | null | undefined>} figures
 */
function lonely(figures) {
  const isThere = (/** @type {number} */ at) => typeof figures[at] === "number";
  return Array.from(figures, (_, at) => at).filter(
    (at) => isThere(at) && !isThere(at - 1) && !isThere(at + 1),
  );
}

/**
 * Under the chart: the figures where the pointer is.
 * @param {HTMLElement} element
 * @param {import("uplot")} plot
 * @param {Chart} chart
 */
function tell(element, plot, chart) {
  const place = element.parentElement?.querySelector(".read");
  const { idx } = plot.cursor;
  const at = idx === null || idx === undefined ? undefined : plot.data[0][idx];
  if (!place) return;
  if (at === undefined || idx === null || idx === undefined) {
    place.textContent = "";
    return;
  }
  const figures = plot.series
    .slice(1)
    .map(
      (_series, row) =>
        `${chart.series[row]?.label ?? ""} ${figure(plot.data[row + 1]?.[idx] ?? null, chart.unit)}`,
    );
  place.textContent = `${EXACT.format(at * 1000)}: ${figures.join(", ")}`;
}

/**
 * @param {import("uplot")} plot
 * @param {number} seconds
 */
function clock(plot, seconds) {
  const span = (plot.scales["x"]?.max ?? 0) - (plot.scales["x"]?.min ?? 0);
  return (span > 172_800 ? DAY : CLOCK).format(seconds * 1000);
}

/**
 * @param {number | null} value
 * @param {string} unit
 */
function figure(value, unit) {
  if (value === null) return "–";
  if (unit !== "s") return `${Number(value.toPrecision(3))}`;
  if (value === 0) return "0";
  if (value < 1) return `${Number((value * 1000).toPrecision(3))} ms`;
  return value < 120
    ? `${Number(value.toPrecision(3))} s`
    : `${Number((value / 60).toPrecision(3))} min`;
}

/**
 * @param {Chart} chart
 * @returns {[number[], ...(number | null)[][]]}
 */
function columnsOf({ at, series }) {
  return [at, ...series.map(({ values }) => values)];
}

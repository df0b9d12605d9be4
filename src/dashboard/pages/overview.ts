/** The first page: whether the queue is healthy, and if not, where. */
import { z } from "zod";
import type { Database } from "../../database/database.ts";
import {
  attentionCounts,
  liveWorkers,
  queueDepth,
  taskStatistics,
} from "../../database/monitoring.ts";
import type { Depth, Statistics, WorkerActivity } from "../../database/rows.ts";
import { readSeries } from "../../database/series.ts";
import { lastVerifyRun, requestVerify, type VerifyRun } from "../../database/verify/runs.ts";
import type { DoctorFinding } from "../../doctor/probe.ts";
import { counted } from "../../model/text.ts";
import { fieldsOf } from "../components/forms.ts";
import { countView, emptyState, statusView, table } from "../components/lists.ts";
import { momentView, spanText } from "../components/moment.ts";
import { shownLine } from "../components/shown-text.ts";
import { type Html, html } from "../html.ts";
import { defineAction, definePage, type PageContext } from "../page.ts";
import { chartsView, RANGES } from "./overview-charts.ts";
import { doctorView, painsIn } from "./overview-doctor.ts";

/** What waits for longer than this is worth a look. */
const LATE_SECONDS = 600;
/** Rows of a table here; its own page has all. */
const ROWS_MAX = 20;
/** Failed tasks are counted by their ends already, however many need attention. */
const WAIT_FOR_A_PERSON = ["needs_decision", "stuck"];

const verifyNow = defineAction({
  path: "/verify",
  role: "operate",
  params: z.object({}),
  fields: z.strictObject({}),
  run: async ({ write }) => {
    const isAsked = await write((db) => requestVerify(db), { reason: undefined });
    return {
      notice: isAsked
        ? "The jobs verify the audit now; the light shows what they found."
        : "No jobs run that could be asked: start `triaged jobs`, or run `triaged verify`.",
      to: "/ui",
    };
  },
});

const examineAgain = defineAction({
  path: "/doctor",
  role: "operate",
  params: z.object({}),
  fields: z.strictObject({}),
  run: ({ doctor }) =>
    Promise.resolve({
      notice: doctor.lookAgain()
        ? "The doctor looks again; this page shows in a moment what it found."
        : "The doctor has looked a moment ago, or does at present.",
      to: "/ui",
    }),
});

export const overviewPage = definePage({
  path: "",
  nav: "Overview",
  params: z.object({}),
  query: z.strictObject({ range: z.enum(RANGES).default("1h") }),
  show: async (context, { query: { range } }) => {
    const now = await context.read(
      "overview",
      async (db) => ({
        ...(await readOverview(db)),
        series: await readSeries(db, range),
      }),
      { mayLag: true },
    );
    const isNew = now.depth.length === 0 && now.ended.length === 0;
    return {
      title: "Overview",
      refresh: "always",
      hasCharts: true,
      main: html`${verdictView(now, painsIn(context.doctor.state().last?.findings ?? []))}
        ${tilesView(now)}
        ${
          isNew
            ? emptyState(
                "No task has been enqueued yet.",
                html`In another terminal, in the folder of the checkout:<pre>npx triaged enqueue consumer_triage @examples/p-retry-upgrade.json</pre>`,
              )
            : html`${chartsView(context.url, range, now.series)}<div class="cards wide">${depthView(now.depth)}${endedView(now.ended)}</div>`
        }
        ${doctorView(context)}
        <div class="cards">${workersView(now.workers)}${verifyView(context, now.verified)}</div>`,
    };
  },
  actions: [verifyNow, examineAgain],
});

type Overview = {
  readonly depth: readonly Depth[];
  readonly ended: readonly Statistics[];
  readonly workers: readonly WorkerActivity[];
  readonly attention: Readonly<Record<string, number>>;
  readonly verified: VerifyRun | null;
};

async function readOverview(db: Database): Promise<Overview> {
  return {
    depth: await queueDepth(db),
    ended: await taskStatistics(db),
    workers: await liveWorkers(db),
    attention: await attentionCounts(db, { reasons: WAIT_FOR_A_PERSON }),
    verified: await lastVerifyRun(db),
  };
}

type Trouble = { readonly says: string; readonly to: string };

/** One sentence for each thing that is not as it should be, and where to look. */
function troublesOf({ depth, workers, attention, verified }: Overview): Trouble[] {
  const troubles: Trouble[] = [];
  if (verified !== null && brokenIn(verified) > 0) {
    troubles.push({ says: "the last verify found breaches of the audit", to: "#verify" });
  }
  const due = depth.reduce((sum, row) => sum + (row.paused_at === null ? row.due : 0), 0);
  const alive = workers.filter(({ state }) => state === "alive");
  if (due > 0 && alive.length === 0) {
    troubles.push({
      says: `${counted(due, "task")} due, and no worker is alive`,
      to: "/ui/workers",
    });
  }
  const silent = workers.length - alive.length;
  if (silent > 0) {
    troubles.push({
      says: `${counted(silent, "worker")} silent for longer than the lease`,
      to: "/ui/workers",
    });
  }
  const late = depth.filter(
    (row) => row.paused_at === null && (row.oldest_age_seconds ?? 0) > LATE_SECONDS,
  );
  for (const { queue, task_type, oldest_age_seconds } of late.slice(0, 3)) {
    const age = spanText((oldest_age_seconds ?? 0) * 1000);
    troubles.push({ says: `${task_type} in ${queue} has waited for ${age}`, to: "/ui/queues" });
  }
  const paused = depth.filter((row) => row.paused_at !== null);
  if (paused.length > 0) {
    const names = [...new Set(paused.map(({ queue }) => queue))].slice(0, 3).join(", ");
    troubles.push({ says: `paused: ${names}`, to: "/ui/queues" });
  }
  const asked = (attention["needs_decision"] ?? 0) + (attention["stuck"] ?? 0);
  if (asked > 0) {
    troubles.push({ says: `${counted(asked, "task")} waiting for a person`, to: "/ui/attention" });
  }
  return troubles;
}

/** Errors of the doctor are troubles of their own; what it only warns of is said beside. */
function verdictView(now: Overview, pains: readonly DoctorFinding[]): Html {
  const errors = pains.filter(({ level }) => level === "error");
  const warnings = pains.length - errors.length;
  const warned = { says: `${counted(warnings, "warning")} of the doctor`, to: "#doctor" };
  const graver = [
    ...troublesOf(now),
    ...errors.slice(0, 3).map(({ subject, found }) => ({
      says: `the doctor found an error: ${subject}, ${found}`,
      to: "#doctor",
    })),
  ];
  const troubles = warnings > 0 && graver.length > 0 ? [...graver, warned] : graver;
  return troubles.length === 0
    ? html`<p class="banner good verdict">All is well: nothing waits too long, and nothing waits for a person.${warnings > 0 && html` <a href="${warned.to}">${warned.says}</a>`}</p>`
    : html`<div class="banner warn verdict"><ul>${troubles.map(
        ({ says, to }) => html`<li><a href="${to}">${shownLine(says, 200)}</a></li>`,
      )}</ul></div>`;
}

function tilesView({ depth, ended, workers, attention }: Overview): Html {
  const sum = (status: string) =>
    depth.filter((row) => row.status === status).reduce((all, row) => all + row.count, 0);
  const endedAs = (status: string) =>
    ended.filter((row) => row.status === status).reduce((all, row) => all + row.count, 0);
  const perMinute = ended.reduce((all, row) => all + row.per_minute, 0);
  const oldest = Math.max(0, ...depth.map((row) => row.oldest_age_seconds ?? 0));
  const alive = workers.filter(({ state }) => state === "alive");
  const held = workers.reduce((all, row) => all + row.held, 0);
  const places = alive.reduce((all, row) => all + row.concurrency, 0);
  const asked = attention["needs_decision"] ?? 0;
  const failed = endedAs("failed");
  return html`<div class="tiles">
    ${tile("/ui/tasks?status=queued", countView(sum("queued")), oldest > 0 ? `waiting, oldest ${spanText(oldest * 1000)}` : "waiting")}
    ${tile("/ui/tasks?status=started", countView(sum("started")), `running, of ${places} places`)}
    ${tile("/ui/attention", countView(asked), "need a decision", asked > 0 ? "warn" : "")}
    ${tile("/ui/tasks?status=failed", countView(failed), "failed in 24 h", failed > 0 ? "bad" : "")}
    ${tile("/ui/tasks?status=finished", countView(endedAs("finished")), "finished in 24 h")}
    ${tile("/ui/tasks", countView(Math.round(perMinute * 60)), "ended in the last hour")}
    ${tile("/ui/workers", countView(alive.length), `${alive.length === 1 ? "worker" : "workers"} alive, ${held} held`, alive.length > 0 ? "good" : "bad")}
  </div>`;
}

function tile(to: string, figure: Html, says: string, look = ""): Html {
  return html`<a class="tile ${look}" href="${to}"><strong>${figure}</strong><span>${says}</span></a>`;
}

function depthView(depth: readonly Depth[]): Html {
  return html`<section class="card" aria-labelledby="waits"><h2 id="waits">What waits and runs</h2>
    ${table({
      label: "What waits and runs",
      head: ["Queue", "Type", "Status", "Tasks", "Oldest due"],
      rows: depth.slice(0, ROWS_MAX).map(depthRow),
      empty: html`<p class="hint">Nothing waits, and nothing runs.</p>`,
    })}
    ${depth.length > ROWS_MAX && html`<p><a href="/ui/queues">All ${depth.length} rows</a></p>`}
  </section>`;
}

function endedView(ended: readonly Statistics[]): Html {
  return html`<section class="card" aria-labelledby="ended"><h2 id="ended">What ended in the last 24 hours</h2>
    ${table({
      label: "What ended in the last 24 hours",
      head: ["Type", "Status", "Tasks", "Wait p50 / p95", "Run p50 / p95"],
      rows: ended.slice(0, ROWS_MAX).map(endedRow),
      empty: html`<p class="hint">Nothing has ended.</p>`,
    })}
  </section>`;
}

function brokenIn({ broken }: VerifyRun): number {
  return Object.values(broken).reduce((sum, count) => sum + count, 0);
}

/** The light: whether history, tasks and counts agreed when they were compared last. */
function verifyView(context: PageContext, run: VerifyRun | null): Html {
  const button =
    context.may("operate") &&
    html`<form method="post" action="/ui/verify">${fieldsOf(context)}<button>Verify now</button></form>`;
  if (run === null) {
    return html`<section class="card" aria-labelledby="verify"><h2 id="verify">Verify</h2>
      <p class="hint">The audit has not been verified yet: whether history tells each task as it is.</p>${button}</section>`;
  }
  const count = Object.values(run.checked).reduce((sum, one) => sum + one, 0);
  const look = run.is_ok ? "ok" : brokenIn(run) > 0 ? "error" : "warning";
  const says = run.is_ok
    ? "All checks hold"
    : brokenIn(run) > 0
      ? counted(brokenIn(run), "breach", "breaches")
      : "Not all was judged";
  return html`<section class="card" aria-labelledby="verify"><h2 id="verify">Verify</h2>
    <p><span class="status ${look}">${says}</span> <span class="hint">${momentView(run.ended_at)}, by ${shownLine(run.actor, 60)}</span></p>
    <details><summary>${counted(count, "look")} of ${counted(Object.keys(run.checked).length, "check")}</summary>
      <dl class="facts">${Object.entries(run.checked).map(
        ([check, checked]) =>
          html`<div><dt>${check.replaceAll("_", " ")}</dt><dd>${countView(checked)}${(run.broken[check] ?? 0) > 0 && html` <span class="bad-text">${run.broken[check]} broken</span>`}</dd></div>`,
      )}</dl></details>
    ${run.violations.length > 0 && html`<ul>${run.violations.slice(0, 5).map(({ task_id, problem }) => html`<li><a href="/ui/tasks/${task_id}">${task_id}</a> ${shownLine(problem, 200)}</li>`)}</ul>`}
    ${button}</section>`;
}

function workersView(workers: readonly WorkerActivity[]): Html {
  return html`<section class="card" aria-labelledby="workers"><h2 id="workers">Workers</h2>
    ${table({
      label: "Workers",
      head: ["Name", "State", "Holds", "Queues", "Since"],
      rows: workers.slice(0, ROWS_MAX).map(workerRow),
      empty: html`<p class="hint">No worker runs. <code>npx triaged work</code> starts one.</p>`,
    })}
  </section>`;
}

function depthRow({ queue, task_type, status, count, oldest_age_seconds, paused_at }: Depth): Html {
  return html`<tr>
    <th scope="row">${shownLine(queue, 60)}${paused_at !== null && html` <span class="hint">paused</span>`}</th>
    <td><a href="/ui/tasks?${new URLSearchParams({ status, type: task_type, queue }).toString()}">${shownLine(task_type, 60)}</a></td>
    <td>${statusView(status)}</td>
    <td class="number">${countView(count)}</td>
    <td class="number">${oldest_age_seconds === null ? html`<span class="hint">–</span>` : spanText(oldest_age_seconds * 1000)}</td>
  </tr>`;
}

function workerRow(one: WorkerActivity): Html {
  return html`<tr>
    <th scope="row"><a href="/ui/tasks?${new URLSearchParams({ worker: one.name, status: "started" }).toString()}">${shownLine(one.name, 80)}</a></th>
    <td>${statusView(one.state)}</td>
    <td class="number">${one.held} of ${one.concurrency}</td>
    <td>${shownLine(one.queues.join(", "), 80)}</td>
    <td>${momentView(one.started_at)}</td>
  </tr>`;
}

function seconds(value: number | null): string {
  return value === null ? "–" : spanText(value * 1000);
}

function endedRow(one: Statistics): Html {
  return html`<tr>
    <th scope="row"><a href="/ui/tasks?${new URLSearchParams({ status: one.status, type: one.task_type }).toString()}">${shownLine(one.task_type, 60)}</a></th>
    <td>${statusView(one.status)}</td>
    <td class="number">${countView(one.count)}</td>
    <td class="number">${seconds(one.wait_seconds_p50)} / ${seconds(one.wait_seconds_p95)}</td>
    <td class="number">${seconds(one.run_seconds_p50)} / ${seconds(one.run_seconds_p95)}</td>
  </tr>`;
}

/** What the doctor found, on the first page, and what to do about it. */
import type { DoctorFinding } from "../../doctor/probe.ts";
import { isUnseen } from "../../doctor/probe.ts";
import { counted } from "../../model/text.ts";
import { docsAddress } from "../assets.ts";
import { fieldsOf } from "../components/forms.ts";
import { momentView } from "../components/moment.ts";
import { shownLine } from "../components/shown-text.ts";
import { type Html, html } from "../html.ts";
import type { PageContext } from "../page.ts";

/** Findings that are shown; the rest is counted. */
const FINDINGS_MAX = 12;

/** The page that shows more of a subject. */
const PAGES: Readonly<Record<string, string>> = {
  workers: "/ui/workers",
  handlers: "/ui/workers",
  queues: "/ui/queues",
  "task types": "/ui/queues",
  effects: "/ui/effects",
  alerts: "/ui/effects",
};

/** What hurts: errors first, then warnings. */
export function painsIn(findings: readonly DoctorFinding[]): DoctorFinding[] {
  const of = (level: DoctorFinding["level"]) =>
    findings.filter((finding) => finding.level === level && !isUnseen(finding));
  return [...of("error"), ...of("warning")];
}

export function doctorView(context: PageContext): Html {
  const { last, isLooking, hasFailed } = context.doctor.state();
  const button =
    context.may("operate") &&
    html`<form method="post" action="/ui/doctor">${fieldsOf(context)}<button>Look again</button></form>`;
  const beside = isLooking && html` <span class="hint">It looks again at present.</span>`;
  return html`<section class="card" aria-labelledby="doctor"><h2 id="doctor">Doctor</h2>
    ${
      last === null
        ? html`<p class="hint">${hasFailed ? "The doctor could not look: the database did not answer. It tries again." : "The doctor looks for the first time; this page shows in a moment what it found."}</p>`
        : html`${summaryView(last.findings, last.at)}${beside}${painsView(context, last.findings)}`
    }
    ${button}</section>`;
}

function summaryView(findings: readonly DoctorFinding[], at: Date): Html {
  const pains = painsIn(findings);
  const errors = pains.filter(({ level }) => level === "error").length;
  const warnings = pains.length - errors;
  const says = [
    ...(errors > 0 ? [counted(errors, "error")] : []),
    ...(warnings > 0 ? [counted(warnings, "warning")] : []),
  ].join(", ");
  const look = errors > 0 ? "error" : warnings > 0 ? "warning" : "ok";
  return html`<p><span class="status ${look}">${says === "" ? "Nothing hurts" : says}</span>
    <span class="hint">${counted(findings.length, "look")}, ${momentView(at)}</span></p>`;
}

function painsView(context: PageContext, findings: readonly DoctorFinding[]): Html {
  const pains = painsIn(findings);
  const unseen = findings.filter(isUnseen);
  return html`${
    pains.length > 0 &&
    html`<ul class="findings">${pains.slice(0, FINDINGS_MAX).map((one) => painView(context, one))}</ul>`
  }
    ${pains.length > FINDINGS_MAX && html`<p class="hint">And ${pains.length - FINDINGS_MAX} more: <code>triaged doctor</code> prints all.</p>`}
    <p class="hint">${
      unseen.length > 0 &&
      html`Not seen from here: ${[...new Set(unseen.map(({ subject }) => subject))].join(", ")}. `
    }<code>triaged doctor</code> sees more as the owner. <a href="${docsAddress("operating.md", "The doctor")}">All that it looks at</a></p>`;
}

function painView(context: PageContext, { level, subject, found, advice }: DoctorFinding): Html {
  const page = PAGES[subject];
  return html`<li><span class="status ${level}">${
    page === undefined ? subject : html`<a href="${page}">${subject}</a>`
  }</span> ${withCode(context.redactText(found))}${
    advice !== null && html`<span class="hint">${withCode(context.redactText(advice))}</span>`
  }</li>`;
}

/** Words in backticks, as the terminal has them, are code. */
function withCode(text: string): Html {
  return html`${text
    .split("`")
    .map((part, at) =>
      at % 2 === 1 ? html`<code>${shownLine(part, 300)}</code>` : html`${spaced(part)}`,
    )}`;
}

/** `shownLine` takes the blanks at the ends, which part words here. */
function spaced(part: string): Html {
  const before = /^\s/.test(part) ? " " : "";
  const after = /\s$/.test(part) && part.trim() !== "" ? " " : "";
  return html`${before}${shownLine(part, 500)}${after}`;
}

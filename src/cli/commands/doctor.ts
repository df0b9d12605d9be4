import { withSchema } from "../../database/database.ts";
import { readSchemaState } from "../../database/schema/state.ts";
import { privilegesProbe } from "../../doctor/privileges.ts";
import { type DoctorFinding, type ProbeContext, runProbe } from "../../doctor/probe.ts";
import { PROBES } from "../../doctor/probes.ts";
import { driftProbe, judgeSchema } from "../../doctor/schema.ts";
import { EXIT_CODES } from "../../model/errors.ts";
import { visibleLine, visibleText } from "../../model/text.ts";
import type { Application } from "../application.ts";
import { type Command, defineCommand } from "../terminal/command.ts";
import { print, printJson } from "../terminal/output.ts";
import { type Opened, withAnySchema } from "../terminal/with-database.ts";
import { jobsOf } from "./jobs.ts";

export function doctorCommand(application: Application): Command {
  return defineCommand({
    name: "doctor",
    summary: "look for what hurts: settings, schema, vacuum, clock, jobs, workers",
    description:
      "Changes nothing, and each look has a timeout. Exits 1 when something must change; " +
      "warnings do not count.",
    args: [],
    options: { json: { about: "print a JSON array of findings" } },
    examples: [["doctor", "each finding with what to do about it"]],
    run: ({ flags }) =>
      withAnySchema(async (opened) => {
        const findings = await examine(opened, await jobsOf(application, opened.config.effects));
        if (flags.json) {
          printJson(findings);
        } else {
          print(render(findings));
        }
        return findings.some(({ level }) => level === "error") ? EXIT_CODES.crash : EXIT_CODES.done;
      }),
  });
}

async function examine(
  { look, config, database }: Opened,
  jobs: ProbeContext["jobs"],
): Promise<DoctorFinding[]> {
  const schema = judgeSchema(await look(readSchemaState));
  const findings = [schema];
  for (const probe of schema.level === "error" ? [] : PROBES) {
    // Functions of another version are no drift, and `triaged migrate` is all they need.
    if ((probe !== driftProbe && probe !== privilegesProbe) || schema.level === "ok") {
      findings.push(...(await runProbe(probe, look, { config, database, jobs, clock: Date.now })));
    }
  }
  return findings.map((finding) => ({
    ...finding,
    advice: finding.advice && withSchema(finding.advice, config.schema),
  }));
}

const HEADINGS = { level: "level", subject: "subject", found: "found", advice: null };

/** A table whose last column is as wide as it must be, with the advice below in its place. */
function render(findings: readonly DoctorFinding[]): string {
  const width = Math.max(...findings.map(({ subject }) => subject.length));
  return [HEADINGS, ...findings]
    .map(({ level, subject, found, advice }) => {
      const before = `${level.padEnd(7)}  ${subject.padEnd(width)}  `;
      const line = before + visibleLine(found);
      return advice === null ? line : `${line}\n${" ".repeat(before.length)}${visibleText(advice)}`;
    })
    .join("\n");
}

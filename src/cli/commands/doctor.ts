import { locateDatabase } from "../../database/connection-file.ts";
import { type Examination, examine } from "../../doctor/examine.ts";
import type { DoctorFinding } from "../../doctor/probe.ts";
import { EXIT_CODES } from "../../model/errors.ts";
import { visibleLine, visibleText } from "../../model/text.ts";
import type { Config } from "../../settings/config.ts";
import type { Application } from "../application.ts";
import { type Command, defineCommand } from "../terminal/command.ts";
import { print, printJson } from "../terminal/output.ts";
import { withAnySchema } from "../terminal/with-database.ts";
import { backupJobsOf, jobsOf } from "./jobs.ts";

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
      withAnySchema(async ({ look, config, database }) => {
        const jobs = await jobsOf(application, config.effects, backupJobsOf(config, database));
        const findings = await examine({ look, config, database, jobs, clock: Date.now });
        if (flags.json) {
          printJson(findings);
        } else {
          print(render(findings));
        }
        return findings.some(({ level }) => level === "error") ? EXIT_CODES.crash : EXIT_CODES.done;
      }),
  });
}

/** What the doctor of a process that serves pages works with. */
export async function examinationOf(
  application: Application,
  config: Config,
): Promise<Omit<Examination, "look">> {
  const database = await locateDatabase(config.connection);
  const jobs = await jobsOf(application, config.effects, backupJobsOf(config, database));
  return { config, database, jobs, clock: Date.now };
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

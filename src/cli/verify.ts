import { EXIT_CODES } from "../errors.ts";
import { verifyAudit } from "../postgres/verify/verify.ts";
import { defineCommand } from "./command.ts";
import { print, printJson, withNumericIds } from "./print.ts";
import { renderReport } from "./render-report.ts";
import { duration } from "./values.ts";
import { withDatabase } from "./with-database.ts";

/** The look holds back vacuum for as long as it lasts. */
const LIMIT_MS = 600_000;

export const verify = defineCommand({
  name: "verify",
  summary: "compare every task with its history: is anything lost, or recorded twice?",
  description:
    "Looks at one snapshot of the database, beside the workers, and changes nothing. What\n" +
    "retention dropped is not missed. Exits 0 when all holds, 1 when something does not or when\n" +
    "the time was over first.",
  args: [],
  options: {
    since: {
      value: "DURATION",
      about: "judge only what happened in the last 1h, 2d, …",
      schema: duration(),
    },
    timeout: {
      value: "DURATION",
      about: "stop looking after so long (default 10m)",
      schema: duration(),
    },
    json: { about: "print one JSON object: ok, checked, violations with their rows" },
  },
  examples: [
    ["verify", "everything that is still there"],
    ["verify --since 1h", "for cron, more often than once an hour"],
    ["verify --json | jq '.violations[].task_id'", "the tasks to look at"],
  ],
  run: ({ flags }) =>
    withDatabase(async ({ inSnapshot }) => {
      const report = await inSnapshot((db) =>
        verifyAudit(db, { sinceMs: flags.since ?? null, limitMs: flags.timeout ?? LIMIT_MS }),
      );
      if (flags.json) {
        const violations = report.violations.map((violation) => withNumericIds(violation));
        printJson({ ...report, violations });
      } else {
        print(renderReport(report));
      }
      return report.ok ? EXIT_CODES.done : EXIT_CODES.crash;
    }),
});

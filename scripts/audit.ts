// Does a package that production installs have an advisory of high or critical severity? Asks
// the registry by `npm audit`; exits 1 if so. A registry that answers no audits (mirrors often do
// not) is told and is no failure: then nothing was checked.
import { spawnSync } from "node:child_process";
import { z } from "zod";

/** A registry that says nothing for so long says nothing at all. */
const ANSWER_MS_MAX = 120_000;

const SERIOUS = ["high", "critical"];

/** As npm writes it where the registry answered. */
const Report = z.object({
  vulnerabilities: z.record(
    z.string(),
    z.object({ severity: z.string(), range: z.string().default("") }),
  ),
});
/** As it writes it where not. */
const Trouble = z.object({
  statusCode: z.number().optional(),
  error: z.object({ code: z.string().nullish() }).optional(),
});

const { stdout } = spawnSync("npm", ["audit", "--omit=dev", "--json"], {
  encoding: "utf8",
  timeout: ANSWER_MS_MAX,
});
const answer = parse(stdout);
const report = Report.safeParse(answer);
if (report.success) {
  judge(report.data);
} else {
  const { statusCode, error } = Trouble.safeParse(answer).data ?? {};
  // No more of it: it names the registry.
  say(`not checked: the registry answers no audits (${statusCode ?? error?.code ?? "no answer"})`);
}

function judge({ vulnerabilities }: z.output<typeof Report>): void {
  const known = Object.entries(vulnerabilities);
  for (const [name, { severity, range }] of known) {
    say(`${severity}: ${name} ${range}`);
  }
  const serious = known.filter(([, { severity }]) => SERIOUS.includes(severity));
  say(`${known.length} packages with advisories, ${serious.length} of them high or critical`);
  process.exitCode = serious.length === 0 ? 0 : 1;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

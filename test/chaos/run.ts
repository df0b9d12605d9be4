/** npm run chaos: let everything fail for some minutes, and count what was lost. */
import { parseArgs } from "node:util";
import { z } from "zod";
import { reportError, UsageError } from "../../src/cli/terminal/errors.ts";
import { note, print, printJson } from "../../src/cli/terminal/output.ts";
import { listenForStop } from "../../src/supervisor/stop-signals.ts";
import { auditDatabase } from "./account/audit.ts";
import { storiesOf } from "./account/stories.ts";
import { meaningOf } from "./account/violations.ts";
import { experiment, type Outcome } from "./experiment.ts";
import { renderOutcome } from "./report.ts";
import { openStage, type Stage } from "./system/stage.ts";

const HELP = `npm run chaos -- [FLAGS]

Starts a PostgreSQL server, a PgBouncer and six workers on three hosts, and has them fail
while producers enqueue. Ends with 1 when a task is lost or recorded twice.

Flags:
  --minutes M    how long there are faults (default 3)
  --seed S       of the schedule of faults (default: by chance; it is printed)
  --rate R       enqueues a second (default 50)
  --json         one JSON object on stdout
  -h, --help     show this

Needs Linux, supervisord and pgbouncer; cuts hosts off with network namespaces where it may
(root), else with proxies. All of it is gone afterwards, also after Ctrl-C.
`;
const EXIT_INTERRUPTED = 130;

const Flags = z.object({
  minutes: z.coerce.number().positive().max(10_000).default(3),
  seed: z.coerce.number().int().min(0).max(0xffff_ffff).optional(),
  rate: z.coerce.number().positive().max(10_000).default(50),
  json: z.boolean().default(false),
  help: z.boolean().default(false),
});

async function main(words: readonly string[]): Promise<number> {
  const flags = parse(words);
  if (flags.help) {
    print(HELP);
    return 0;
  }
  const seed = flags.seed ?? Math.floor(Math.random() * 2 ** 32);
  const plan = { seed, lengthMs: flags.minutes * 60_000, perSecond: flags.rate };
  const signals = listenForStop();
  try {
    await using stage = await openStage();
    note(`seed ${seed}, ${flags.minutes} minutes; hosts by ${stage.network.means}`);
    const outcome = await experiment(stage, plan, { stop: signals.stop, note });
    const audited = await auditDatabase(stage.server.url);
    if (flags.json) {
      printJson({ seed, minutes: flags.minutes, rate: flags.rate, ...outcome, audited });
    } else {
      print(`seed ${seed}, ${flags.minutes} minutes\n${renderOutcome(outcome, audited)}`);
    }
    await tellViolations(stage, outcome);
    return outcome.violations.length + (audited?.length ?? 0) === 0 ? 0 : 1;
  } catch (err) {
    if (signals.stop.aborted) {
      return EXIT_INTERRUPTED;
    }
    throw err;
  } finally {
    signals.dispose();
  }
}

function parse(words: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...words],
      options: {
        minutes: { type: "string" },
        seed: { type: "string" },
        rate: { type: "string" },
        json: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    });
    return Flags.parse(values);
  } catch (err) {
    const [issue] = err instanceof z.ZodError ? err.issues : [];
    const message = issue === undefined ? String(err) : `--${issue.path.join()}: ${issue.message}`;
    throw new UsageError(message, { hint: "npm run chaos -- --help", cause: err });
  }
}

/** The first tasks that show each violation, with their history. */
async function tellViolations({ server }: Stage, { violations }: Outcome): Promise<void> {
  for (const { rule, taskIds } of violations) {
    note(`\n${rule}: ${meaningOf(rule)}\n${await storiesOf(server.url, taskIds)}`);
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (err) {
  process.exitCode = reportError(err);
}

/** npm run bench -- NAME: measure, and print one table for each bench. */
import { parseArgs } from "node:util";
import { z } from "zod";
import { nearest, reportError, UsageError } from "../src/cli/terminal/errors.ts";
import { note, print, printJson, renderTable } from "../src/cli/terminal/output.ts";
import { BENCHES } from "./benches.ts";
import { type Bench, SIZES } from "./frame/bench.ts";
import { cellsOf } from "./frame/render.ts";
import { RESULTS_FILE, type Run, saveResults } from "./frame/results.ts";
import { openServer } from "./frame/server.ts";
import { Stage } from "./frame/stage.ts";
import { readFacts } from "./machine.ts";

/** Those that take long to fill. */
const KEPT = "questions, pages and upkeep";

const HELP = `npm run bench -- NAME [FLAGS]

NAME is all, or one of:
${BENCHES.map(({ name, question }) => `  ${name.padEnd(16)}${question}`).join("\n")}

Flags:
  --rounds N     rounds, each contestant once in each
  --tasks N      tasks in a round
  --size SIZE    full, or smoke: a few seconds each, to see that it works
  --keep         on a server that is given: keep the database that ${KEPT} fill,
                 and go on with that of an earlier run of as many tasks
  --json         one JSON object on stdout: every round of every contestant
  --save         write the table into bench/RESULTS.md
  -h, --help     show this

The server is TEST_DATABASE_URL or DATABASE_URL, else an embedded one in a temporary folder.
Each contestant works in databases of its own, which are dropped again.
`;
const HINT = "npm run bench -- --help";

const count = z.coerce.number().int().min(1).max(10_000_000).optional();
const Flags = z.object({
  rounds: count,
  tasks: count,
  size: z.enum(SIZES).default("full"),
  keep: z.boolean().default(false),
  json: z.boolean().default(false),
  save: z.boolean().default(false),
  help: z.boolean().default(false),
});

async function main(words: readonly string[]): Promise<void> {
  const { name, flags } = parse(words);
  if (flags.help || name === undefined) {
    print(HELP);
    return;
  }
  const runs = await measureAll(benchesOf(name), {
    flags,
    command: ["npm run bench --", ...words].join(" "),
  });
  if (flags.save) {
    saveResults(runs);
    note(`saved in ${RESULTS_FILE}`);
  }
  if (flags.json) {
    printJson(runs.map(asJson));
  }
}

function parse(words: readonly string[]) {
  try {
    const { values, positionals } = parseArgs({
      args: [...words],
      options: {
        rounds: { type: "string" },
        tasks: { type: "string" },
        size: { type: "string" },
        keep: { type: "boolean" },
        json: { type: "boolean" },
        save: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
      allowPositionals: true,
    });
    return { name: positionals[0], flags: Flags.parse(values) };
  } catch (err) {
    const [issue] = err instanceof z.ZodError ? err.issues : [];
    const message = issue === undefined ? String(err) : `--${issue.path.join()}: ${issue.message}`;
    throw new UsageError(message, { hint: HINT, cause: err });
  }
}

function benchesOf(name: string): readonly Bench[] {
  const found = BENCHES.filter((bench) => name === "all" || bench.name === name);
  if (found.length === 0) {
    const meant = nearest(name, ["all", ...BENCHES.map((bench) => bench.name)]);
    throw new UsageError(`unknown bench "${name}"`, {
      hint: meant === null ? HINT : `did you mean ${meant}? ${HINT}`,
    });
  }
  return found;
}

async function measureAll(
  benches: readonly Bench[],
  { flags, command }: { flags: z.output<typeof Flags>; command: string },
): Promise<Run[]> {
  // oxlint-disable-next-line node/no-process-env -- Where the server is; no setting of triaged counts here.
  const { TEST_DATABASE_URL, DATABASE_URL } = process.env;
  const server = await openServer(TEST_DATABASE_URL || DATABASE_URL || null);
  if (flags.keep && server.isOwn) {
    await server.stop();
    throw new UsageError("--keep needs a server that stays", { hint: "set TEST_DATABASE_URL" });
  }
  const stage = new Stage(server, note, { keeps: flags.keep });
  try {
    const facts = readFacts();
    const described = `${await server.describe()}${server.isOwn ? " (embedded)" : ""}`;
    note(`${facts.machine}\n${described}`);
    const runs: Run[] = [];
    for (const bench of benches) {
      const { rounds, tasks } = bench.sizes[flags.size];
      const size = { rounds: flags.rounds ?? rounds, tasks: flags.tasks ?? tasks };
      note(`\n${bench.name}: ${size.rounds} rounds; ${size.tasks} ${bench.tasksAre}`);
      const measurement = await bench.measure(stage, size);
      const run = { bench, size, measurement, facts, server: described, command };
      if (!flags.json) {
        printTable(run);
      }
      runs.push(run);
    }
    return runs;
  } finally {
    await stage.close();
    await server.stop();
  }
}

function printTable({ bench, measurement }: Run): void {
  const { headings, cells } = cellsOf(measurement);
  print(`\n${bench.question}\n${renderTable(headings, cells)}`);
}

function asJson({ bench, size, measurement, facts, server, command }: Run) {
  return { bench: bench.name, ...size, ...facts, server, command, rows: measurement.rows };
}

try {
  await main(process.argv.slice(2));
} catch (err) {
  process.exitCode = reportError(err);
}

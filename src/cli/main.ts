/** argv -> command -> exit code: the one place that ends the process. */
import { once } from "node:events";
import { EXIT_CODES } from "../model/errors.ts";
import { packageVersion } from "../system/package-folder.ts";
import type { Application, CommandList } from "./application.ts";
import { type Command, helpOf, helpOfAll, helpOfGroup } from "./terminal/command.ts";
import { nearest, reportError, UsageError } from "./terminal/errors.ts";
import { parseCommandLine } from "./terminal/parsing.ts";

/** Run the command line; never throws. Resolves to the exit code. */
export async function main(words: readonly string[], application: Application): Promise<number> {
  try {
    return await dispatch(words, commandsWith(application));
  } catch (err) {
    return reportError(err);
  }
}

async function dispatch(words: readonly string[], commands: CommandList): Promise<number> {
  const [name, ...rest] = words;
  switch (name) {
    case undefined:
      process.stderr.write(helpOfAll(await loadAll(commands)));
      return EXIT_CODES.usage;
    case "--version":
    case "-V":
      process.stdout.write(`${packageVersion()}\n`);
      return EXIT_CODES.done;
    case "--help":
    case "-h":
      process.stdout.write(helpOfAll(await loadAll(commands)));
      return EXIT_CODES.done;
    case "help":
      return await dispatch([...rest, "--help"], commands);
    default:
      return namesIn(name, commands).length > 0
        ? await runOfGroup(name, rest, commands)
        : await runCommand(name, rest, commands);
  }
}

/** The second words of a group; none where the word is not the first of a command of two. */
function namesIn(group: string, commands: CommandList): string[] {
  return [...commands.keys()]
    .filter((name) => name.startsWith(`${group} `))
    .map((name) => name.slice(group.length + 1));
}

async function runOfGroup(
  group: string,
  [name, ...rest]: readonly string[],
  commands: CommandList,
): Promise<number> {
  const names = namesIn(group, commands);
  if (name === "--help" || name === "-h") {
    const all = await loadAll(commands);
    const inGroup = all.filter((command) => command.name.startsWith(`${group} `));
    process.stdout.write(helpOfGroup(group, inGroup));
    return EXIT_CODES.done;
  }
  if (name === undefined || !names.includes(name)) {
    const meant = name === undefined ? null : nearest(name, names);
    throw new UsageError(
      name === undefined
        ? `${group} needs one of ${names.join(", ")}`
        : `unknown command "${group} ${name}"`,
      {
        hint:
          meant === null
            ? `triaged ${group} --help`
            : `did you mean \`triaged ${group} ${meant}\`?`,
      },
    );
  }
  return await runCommand(`${group} ${name}`, rest, commands);
}

async function runCommand(
  name: string,
  words: readonly string[],
  commands: CommandList,
): Promise<number> {
  const load = commands.get(name);
  if (load === undefined) {
    const firstWords = [...commands.keys()].map((known) => known.split(" ")[0] ?? known);
    const meant = nearest(name, firstWords);
    throw new UsageError(`unknown command "${name}"`, {
      hint: meant === null ? "triaged --help lists them" : `did you mean \`triaged ${meant}\`?`,
    });
  }
  const command = await load();
  const input = parseCommandLine(command, words);
  if (input === "help") {
    process.stdout.write(helpOf(command));
    return EXIT_CODES.done;
  }
  return await command.run(input);
}

function loadAll(commands: CommandList): Promise<Command[]> {
  return Promise.all([...commands.values()].map((load) => load()));
}

/** What bin/triaged.js calls. Ends the process: a handler that hangs must not keep it. */
export async function runProcess(application: Application): Promise<never> {
  // The reader of a pipe went away (`triaged list | head -1`): there is nobody to tell.
  process.stdout.on("error", (err: NodeJS.ErrnoException) => {
    process.exit(err.code === "EPIPE" ? EXIT_CODES.done : EXIT_CODES.crash);
  });
  const code = await main(process.argv.slice(2), application);
  if (process.stdout.writableNeedDrain) {
    await once(process.stdout, "drain");
  }
  return process.exit(code);
}

/**
 * Every command, in the order of the help: the queue's, then those of the application. Throws
 * where the application gives one a name of the queue's.
 */
export function commandsWith(application: Application): CommandList {
  const commands = new Map([...COMMANDS].map(([name, load]) => [name, () => load(application)]));
  for (const [name, load] of application.commands) {
    if (commands.has(name)) {
      throw new Error(`the application has a command "${name}", as the queue has`);
    }
    commands.set(name, load);
  }
  return commands;
}

/** The queue's commands. Loaded when asked for: a start stays quick. */
const COMMANDS: ReadonlyMap<string, (application: Application) => Promise<Command>> = new Map<
  string,
  (application: Application) => Promise<Command>
>([
  ["up", async () => (await import("./commands/up.ts")).upCommand],
  ["work", async (application) => (await import("./commands/work.ts")).workCommand(application)],
  ["jobs", async (application) => (await import("./commands/jobs.ts")).jobsCommand(application)],
  ["serve", async (application) => (await import("./commands/serve.ts")).serveCommand(application)],
  [
    "dashboard",
    async (application) => (await import("./commands/dashboard.ts")).dashboardCommand(application),
  ],
  ["key", async () => (await import("./commands/key.ts")).keyCommand],
  [
    "supervisor-events",
    async () => (await import("./commands/supervisor-events.ts")).supervisorEventsCommand,
  ],
  ["migrate", async () => (await import("./commands/migrate.ts")).migrateCommand],
  ["reset", async () => (await import("./commands/reset.ts")).resetCommand],
  ["enqueue", async () => (await import("./commands/enqueue.ts")).enqueueCommand],
  ["show", async () => (await import("./commands/look-at-tasks.ts")).showCommand],
  ["list", async () => (await import("./commands/look-at-tasks.ts")).listCommand],
  ["history", async () => (await import("./commands/look-at-tasks.ts")).historyCommand],
  ["stats", async () => (await import("./commands/stats.ts")).statsCommand],
  ["why", async () => (await import("./commands/look-at-tasks.ts")).whyCommand],
  ["cancel", async () => (await import("./commands/act-on-tasks.ts")).cancelCommand],
  ["retry", async () => (await import("./commands/act-on-tasks.ts")).retryCommand],
  ["decide", async () => (await import("./commands/act-on-tasks.ts")).decideCommand],
  ["change", async () => (await import("./commands/act-on-tasks.ts")).changeCommand],
  ["operations", async () => (await import("./commands/operations.ts")).operationsCommand],
  ["audit", async () => (await import("./commands/audit.ts")).auditCommand],
  ["pause", async () => (await import("./commands/pause-and-resume.ts")).pauseCommand],
  ["resume", async () => (await import("./commands/pause-and-resume.ts")).resumeCommand],
  ["settings", async () => (await import("./commands/settings.ts")).settingsCommand],
  ["schedules", async () => (await import("./commands/schedules.ts")).schedulesCommand],
  ["effects", async () => (await import("./commands/effects.ts")).effectsCommand],
  ["psql", async () => (await import("./commands/psql.ts")).psqlCommand],
  ["verify", async () => (await import("./commands/verify.ts")).verifyCommand],
  [
    "import",
    async (application) =>
      (await import("./commands/import-and-export.ts")).importCommand(application),
  ],
  ["export", async () => (await import("./commands/import-and-export.ts")).exportCommand],
  ["backup", async () => (await import("./commands/backup.ts")).backupCommand],
  ["restore", async () => (await import("./commands/restore-and-drill.ts")).restoreCommand],
  ["drill", async () => (await import("./commands/restore-and-drill.ts")).drillCommand],
  [
    "doctor",
    async (application) => (await import("./commands/doctor.ts")).doctorCommand(application),
  ],
]);

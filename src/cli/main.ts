/** argv -> command -> exit code: the one place that ends the process. */
import { once } from "node:events";
import { EXIT_CODES } from "../model/errors.ts";
import { packageVersion } from "../system/package-folder.ts";
import { type Command, helpOf, helpOfAll, helpOfGroup } from "./terminal/command.ts";
import { nearest, reportError, UsageError } from "./terminal/errors.ts";
import { parseCommandLine } from "./terminal/parsing.ts";

/** Run the command line; never throws. Resolves to the exit code. */
export async function main(words: readonly string[]): Promise<number> {
  try {
    return await dispatch(words);
  } catch (err) {
    return reportError(err);
  }
}

async function dispatch(words: readonly string[]): Promise<number> {
  const [name, ...rest] = words;
  switch (name) {
    case undefined:
      process.stderr.write(helpOfAll(await allCommands()));
      return EXIT_CODES.usage;
    case "--version":
    case "-V":
      process.stdout.write(`${packageVersion()}\n`);
      return EXIT_CODES.done;
    case "--help":
    case "-h":
      process.stdout.write(helpOfAll(await allCommands()));
      return EXIT_CODES.done;
    case "help":
      return await dispatch([...rest, "--help"]);
    default:
      return isGroup(name) ? await runOfGroup(name, rest) : await runCommand(name, rest);
  }
}

/** Whether it is the first word of commands that have two. */
function isGroup(name: string): boolean {
  return namesIn(name).length > 0;
}

/** The second words of a group. */
function namesIn(group: string): string[] {
  return [...COMMANDS.keys()]
    .filter((name) => name.startsWith(`${group} `))
    .map((name) => name.slice(group.length + 1));
}

async function runOfGroup(group: string, [name, ...rest]: readonly string[]): Promise<number> {
  const names = namesIn(group);
  if (name === "--help" || name === "-h") {
    const inGroup = (await allCommands()).filter((command) => command.name.startsWith(`${group} `));
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
  return await runCommand(`${group} ${name}`, rest);
}

async function runCommand(name: string, words: readonly string[]): Promise<number> {
  const load = COMMANDS.get(name);
  if (load === undefined) {
    const firstWords = [...COMMANDS.keys()].map((known) => known.split(" ")[0] ?? known);
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

function allCommands() {
  return Promise.all([...COMMANDS.values()].map((load) => load()));
}

/** What bin/triaged.js calls. Ends the process: a handler that hangs must not keep it. */
export async function runProcess(): Promise<never> {
  // The reader of a pipe went away (`triaged list | head -1`): there is nobody to tell.
  process.stdout.on("error", (err: NodeJS.ErrnoException) => {
    process.exit(err.code === "EPIPE" ? EXIT_CODES.done : EXIT_CODES.crash);
  });
  const code = await main(process.argv.slice(2));
  if (process.stdout.writableNeedDrain) {
    await once(process.stdout, "drain");
  }
  return process.exit(code);
}

/**
 * Every command, in the order of the help. A name of two words is that of a group and of a
 * command in it. Loaded when asked for: a start stays quick.
 */
export const COMMANDS: ReadonlyMap<string, () => Promise<Command>> = new Map<
  string,
  () => Promise<Command>
>([
  ["up", async () => (await import("./commands/up.ts")).upCommand],
  ["work", async () => (await import("./commands/work.ts")).workCommand],
  ["jobs", async () => (await import("./commands/jobs.ts")).jobsCommand],
  [
    "supervisor-events",
    async () => (await import("./commands/supervisor-events.ts")).supervisorEventsCommand,
  ],
  ["migrate", async () => (await import("./commands/migrate.ts")).migrateCommand],
  ["enqueue", async () => (await import("./commands/enqueue.ts")).enqueueCommand],
  ["show", async () => (await import("./commands/look-at-tasks.ts")).showCommand],
  ["list", async () => (await import("./commands/look-at-tasks.ts")).listCommand],
  ["history", async () => (await import("./commands/look-at-tasks.ts")).historyCommand],
  ["stats", async () => (await import("./commands/stats.ts")).statsCommand],
  ["why", async () => (await import("./commands/look-at-tasks.ts")).whyCommand],
  ["cancel", async () => (await import("./commands/act-on-tasks.ts")).cancelCommand],
  ["retry", async () => (await import("./commands/act-on-tasks.ts")).retryCommand],
  ["decide", async () => (await import("./commands/act-on-tasks.ts")).decideCommand],
  ["pause", async () => (await import("./commands/pause-and-resume.ts")).pauseCommand],
  ["resume", async () => (await import("./commands/pause-and-resume.ts")).resumeCommand],
  ["settings", async () => (await import("./commands/settings.ts")).settingsCommand],
  ["schedules", async () => (await import("./commands/schedules.ts")).schedulesCommand],
  ["notify", async () => (await import("../triage/commands/notify.ts")).notifyCommand],
  [
    "relationships import",
    async () =>
      (await import("../triage/commands/relationships-file.ts")).importRelationshipsCommand,
  ],
  [
    "relationships export",
    async () =>
      (await import("../triage/commands/relationships-file.ts")).exportRelationshipsCommand,
  ],
  [
    "relationships settings",
    async () =>
      (await import("../triage/commands/show-relationships.ts")).relationshipSettingsCommand,
  ],
  [
    "relationships list",
    async () => (await import("../triage/commands/show-relationships.ts")).listRelationshipsCommand,
  ],
  [
    "relationships add",
    async () => (await import("../triage/commands/edit-relationships.ts")).addRelationshipCommand,
  ],
  [
    "relationships remove",
    async () =>
      (await import("../triage/commands/edit-relationships.ts")).removeRelationshipCommand,
  ],
  ["effects", async () => (await import("./commands/effects.ts")).effectsCommand],
  ["psql", async () => (await import("./commands/psql.ts")).psqlCommand],
  ["verify", async () => (await import("./commands/verify.ts")).verifyCommand],
  ["doctor", async () => (await import("./commands/doctor.ts")).doctorCommand],
]);

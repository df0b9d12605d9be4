/** argv -> command -> exit code: the one place that ends the process. */
import { once } from "node:events";
import { EXIT_CODES } from "../errors.ts";
import { packageVersion } from "../package-folder.ts";
import { COMMANDS } from "./commands.ts";
import { helpOf, helpOfAll, helpOfGroup } from "./help.ts";
import { nearest } from "./nearest.ts";
import { parseCommandLine } from "./parse-command-line.ts";
import { reportError } from "./report-error.ts";
import { UsageError } from "./usage-error.ts";

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

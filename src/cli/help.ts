import { counted } from "../counted.ts";
import type { Command } from "./command.ts";

/** What `triaged --help` prints. */
export function helpOfAll(commands: readonly Command[]): string {
  return [
    "triaged: a Postgres-backed task queue and worker daemon",
    "",
    "Usage: triaged COMMAND [ARGUMENTS] [FLAGS]",
    "",
    ...columns(commands.map(({ name, summary }) => [name, summary])),
    "",
    "triaged COMMAND --help tells more, with examples. The database is DATABASE_URL, else",
    "POSTGRES_HOST and its neighbours, else the server that `triaged up` runs in .triaged/.",
    "",
  ].join("\n");
}

/** What `triaged GROUP --help` prints. */
export function helpOfGroup(group: string, commands: readonly Command[]): string {
  return [
    `triaged ${group}: ${counted(commands.length, "command")}`,
    "",
    `Usage: triaged ${group} COMMAND [ARGUMENTS] [FLAGS]`,
    "",
    ...columns(commands.map(({ name, summary }) => [name, summary])),
    "",
    "Examples:",
    ...commands.flatMap(({ examples }) => examples.slice(0, 1).flatMap(exampleLines)),
    "",
    `triaged ${group} COMMAND --help tells more.`,
    "",
  ].join("\n");
}

/** What `triaged COMMAND --help` prints. */
export function helpOf(command: Command): string {
  const flags = [
    ...Object.entries(command.options).map(([name, { short, value, about }]): [string, string] => [
      `${short === undefined ? "" : `-${short}, `}--${name}${value === undefined ? "" : ` ${value}`}`,
      about,
    ]),
    ["-h, --help", "show this"] as [string, string],
  ];
  return [
    `triaged ${command.name}: ${command.summary}`,
    "",
    `Usage: ${usageOf(command)}`,
    ...(command.description === undefined ? [] : ["", command.description]),
    "",
    "Flags:",
    ...columns(flags),
    "",
    "Examples:",
    ...command.examples.flatMap(exampleLines),
    "",
  ].join("\n");
}

function exampleLines([line, does]: Command["examples"][number]): string[] {
  return [`  triaged ${line}`, `      ${does}`];
}

function usageOf(command: Command): string {
  const words = command.args.map(({ name, optional }) => (optional === true ? `[${name}]` : name));
  return ["triaged", command.name, ...words, "[FLAGS]"].join(" ");
}

function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}

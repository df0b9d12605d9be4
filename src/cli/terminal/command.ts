import type { z } from "zod";
import { counted } from "../../model/text.ts";

/** A flag: with a `schema` it takes a value, without one it is on or off. */
export type Option = {
  readonly about: string;
  readonly short?: string;
  /** What stands for the value in the help, such as `N`. */
  readonly value?: string;
  readonly schema?: z.ZodType;
};

/** A word that stands for itself. Those that may be left out come last. */
export type Argument = {
  readonly name: string;
  readonly schema: z.ZodType;
  readonly optional?: true;
};

export type FlagsOf<Options extends Record<string, Option>> = {
  readonly [Name in keyof Options]: Options[Name] extends { readonly schema: infer Schema }
    ? z.output<Extract<Schema, z.ZodType>> | undefined
    : boolean;
};

export type ArgumentsOf<Arguments extends readonly Argument[]> = {
  readonly [Place in keyof Arguments]: Arguments[Place] extends { readonly optional: true }
    ? z.output<Arguments[Place]["schema"]> | undefined
    : z.output<Arguments[Place]["schema"]>;
};

/** One command of the CLI. */
export type Command<
  Options extends Record<string, Option> = Record<string, Option>,
  Arguments extends readonly Argument[] = readonly Argument[],
> = {
  readonly name: string;
  /** One line, for the list of commands. */
  readonly summary: string;
  /** What a person should know beyond the summary, in whole lines. */
  readonly description?: string;
  readonly args: Arguments;
  readonly options: Options;
  /** Each is a command line, after `triaged `, and what it does. */
  readonly examples: readonly (readonly [line: string, does: string])[];
  /** Resolves to the exit code. */
  run(input: { flags: FlagsOf<Options>; args: ArgumentsOf<Arguments> }): Promise<number>;
};

/** A command whose flags and arguments have the types of their schemas. */
export function defineCommand<
  const Options extends Record<string, Option>,
  const Arguments extends readonly Argument[],
>(command: Command<Options, Arguments>): Command<Options, Arguments> {
  return command;
}

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

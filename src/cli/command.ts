import type { z } from "zod";

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

import { parseArgs } from "node:util";
import type { z } from "zod";
import type { Argument, ArgumentsOf, Command, FlagsOf, Option } from "./command.ts";
import { nearest } from "./nearest.ts";
import { UsageError } from "./usage-error.ts";

type Input<Options extends Record<string, Option>, Arguments extends readonly Argument[]> = {
  readonly flags: FlagsOf<Options>;
  readonly args: ArgumentsOf<Arguments>;
};

/** What stands behind the command's name, checked; or "help" where the help was asked for. */
export function parseCommandLine<
  Options extends Record<string, Option>,
  Arguments extends readonly Argument[],
>(
  command: Command<Options, Arguments>,
  words: readonly string[],
): Input<Options, Arguments> | "help" {
  const hint = `triaged ${command.name} --help`;
  const { tokens } = parseArgs({
    args: [...words],
    options: { ...shapes(command.options), help: { type: "boolean", short: "h" } },
    strict: false,
    allowPositionals: true,
    tokens: true,
  });

  const flags: Record<string, unknown> = Object.fromEntries(
    Object.entries(command.options).map(([name, { schema }]) => [name, schema ? undefined : false]),
  );
  const given: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") {
      given.push(token.value);
    } else if (token.kind === "option" && token.name === "help") {
      return "help";
    } else if (token.kind === "option") {
      const option = Object.hasOwn(command.options, token.name)
        ? command.options[token.name]
        : undefined;
      if (option === undefined) {
        throw unknownFlag(token.rawName, command.options, hint);
      }
      flags[token.name] = flagValue(token, option, hint);
    }
  }
  const args = parseArguments(command.args, given, hint);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Built from the specification by which these types are derived, value by value.
  return { flags, args } as unknown as Input<Options, Arguments>;
}

function shapes(options: Record<string, Option>) {
  return Object.fromEntries(
    Object.entries(options).map(([name, { schema, short }]) => [
      name,
      {
        type: schema === undefined ? ("boolean" as const) : ("string" as const),
        ...(short === undefined ? {} : { short }),
      },
    ]),
  );
}

function flagValue(
  { rawName, value }: { rawName: string; value: string | undefined },
  { schema, value: placeholder }: Option,
  hint: string,
): unknown {
  if (schema === undefined) {
    if (value !== undefined) {
      throw new UsageError(`${rawName} takes no value`, { hint });
    }
    return true;
  }
  if (value === undefined || value.startsWith("--")) {
    throw new UsageError(`${rawName} needs a value: ${rawName} ${placeholder ?? "VALUE"}`, {
      hint,
    });
  }
  return check(schema, value, rawName, hint);
}

function parseArguments(
  expected: readonly Argument[],
  given: readonly string[],
  hint: string,
): unknown[] {
  const surplus = given[expected.length];
  if (surplus !== undefined) {
    throw new UsageError(`unexpected argument "${surplus}"`, { hint });
  }
  return expected.map(({ name, schema, optional }, place) => {
    const word = given[place];
    if (word !== undefined) {
      return check(schema, word, name, hint);
    }
    if (optional === true) {
      return undefined;
    }
    throw new UsageError(`${name} is missing`, { hint });
  });
}

function check(schema: z.ZodType, value: string, name: string, hint: string): unknown {
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]?.message ?? "not valid";
    throw new UsageError(`${name}: ${issue}`, { hint });
  }
  return parsed.data;
}

function unknownFlag(given: string, options: Record<string, Option>, hint: string): UsageError {
  const meant = nearest(
    given,
    [...Object.keys(options), "help"].map((name) => `--${name}`),
  );
  return new UsageError(`unknown flag ${given}`, {
    hint: meant === null ? hint : `did you mean ${meant}? ${hint}`,
  });
}

import { parseArgs } from "node:util";
import { z } from "zod";
import { REASON_LENGTH_MAX } from "../../model/operation.ts";
import { PRIORITY_NAMES, type Priority } from "../../model/task.ts";
import type { Argument, ArgumentsOf, Command, FlagsOf, Option } from "./command.ts";
import { nearest, UsageError } from "./errors.ts";

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

/** Schemas of the words on the command line that no variable of the environment has. */

const ID_MAX = 9_223_372_036_854_775_807n;

/** An id as the commands print it; stays text. */
export function taskId() {
  return idOf("a task");
}

export function effectId() {
  return idOf("an effect");
}

export function operationId() {
  return idOf("an operation");
}

/** The flag `--reason` of whatever a person does. */
export function reason() {
  return {
    value: "TEXT",
    about: "why; `triaged operations` and the dashboard show it",
    schema: z
      .string()
      .trim()
      .min(1, { error: "expected some text, got none" })
      .max(REASON_LENGTH_MAX, { error: `expected at most ${REASON_LENGTH_MAX} characters` }),
  };
}

function idOf(what: string) {
  return z.string().refine((given) => /^[1-9]\d{0,18}$/.test(given) && BigInt(given) <= ID_MAX, {
    error: ({ input }) => `expected the number of ${what}, got "${String(input)}"`,
  });
}

export function priority() {
  const known = new Map<string, Priority>([
    ...PRIORITY_NAMES.map((word): [string, Priority] => [word, word]),
    ...([0, 1, 2, 3] as const).map((level): [string, Priority] => [String(level), level]),
  ]);
  return z.string().transform((given, context): Priority => {
    const found = known.get(given);
    return (
      found ??
      refuse(context, `expected 0 to 3 or one of ${PRIORITY_NAMES.join(", ")}, got "${given}"`)
    );
  });
}

const UNITS_MS = new Map([
  ["ms", 1],
  ["s", 1_000],
  ["m", 60_000],
  ["h", 3_600_000],
  ["d", 86_400_000],
]);
const DURATION_MAX_MS = 3_650 * 86_400_000;

/** `500ms`, `90s`, `10m`, `2h`, `7d`; comes out in milliseconds. */
export function duration() {
  return z.string().transform((given, context) => {
    const ms = parseDuration(given);
    return ms ?? refuse(context, `expected a duration such as 90s, 10m, 2h or 7d, got "${given}"`);
  });
}

function parseDuration(text: string): number | null {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text) ?? [];
  const ms = Math.round(Number(amount) * (UNITS_MS.get(unit ?? "") ?? NaN));
  return ms <= DURATION_MAX_MS ? ms : null;
}

const INSTANT =
  /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/;

/** A point in time, or so many milliseconds from now on, by the clock of the database. */
type Instant = { readonly runAt: Date } | { readonly delayMs: number };

/** `2027-01-31T08:00:00Z` (without a zone: the local one), or from now on: `+10m`. */
export function instant() {
  return z.string().transform((given, context): Instant => {
    if (given.startsWith("+")) {
      const delayMs = parseDuration(given.slice(1));
      return delayMs === null ? refuseInstant(context, given) : { delayMs };
    }
    const runAt = parseInstant(given);
    return runAt === null ? refuseInstant(context, given) : { runAt };
  });
}

function refuseInstant(context: z.RefinementCtx, given: string): never {
  return refuse(context, `expected a time such as 2027-01-31T08:00:00Z or +10m, got "${given}"`);
}

function parseInstant(text: string): Date | null {
  // Date takes the 31st of February for the 3rd of March.
  const exists = INSTANT.test(text) && z.iso.date().safeParse(text.slice(0, 10)).success;
  // A day alone is midnight here, not in Greenwich, as it is with a time of day.
  const at = exists ? new Date(text.length === 10 ? `${text}T00:00` : text) : null;
  return at === null || Number.isNaN(at.getTime()) ? null : at;
}

function refuse(context: z.RefinementCtx, message: string): never {
  context.addIssue({ code: "custom", message });
  return z.NEVER;
}

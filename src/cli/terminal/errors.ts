import { closest, distance } from "fastest-levenshtein";
import { z } from "zod";
import { isTransient, READ_ONLY_HINT } from "../../database/sqlstate.ts";
import { EnvironmentError, EXIT_CODES } from "../../model/errors.ts";
import { PayloadError } from "../../model/payload.ts";
import { indented, maskSecrets } from "../../model/text.ts";
import { note } from "./output.ts";

/** The request cannot be met as it was typed: exit code 64. `hint` says what to type. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  readonly hint: string;

  constructor(message: string, options: { hint: string; cause?: unknown }) {
    super(message, { cause: options.cause });
    this.hint = options.hint;
  }
}

export function unknownTask(taskId: string): UsageError {
  return new UsageError(`there is no task ${taskId}`, {
    hint: `\`triaged list\` shows the newest; \`triaged history ${taskId}\` may know one that was dropped`,
  });
}

/** The name that was probably meant, or null when none is near. */
export function nearest(given: string, names: readonly string[]): string | null {
  const name = names.length === 0 ? null : closest(given, names);
  return name !== null && distance(given, name) <= Math.max(1, Math.floor(given.length / 2))
    ? name
    : null;
}

/** Tell a person what went wrong and what to do, on stderr; returns the exit code. */
export function reportError(err: unknown): number {
  const explained = explainError(err);
  if (explained === null) {
    const stack = err instanceof Error ? (err.stack ?? err.message) : String(err);
    note(`error: ${indented(maskSecrets(stack))}`);
    note("hint: this is a bug in triaged; please report these lines");
    return EXIT_CODES.crash;
  }
  note(`error: ${indented(explained.message)}\nhint: ${indented(explained.hint)}`);
  return explained.exitCode;
}

/**
 * What a command that failed tells its user: one line, a hint, an exit code. Null = a bug
 * of ours, which deserves its stack.
 */

type Explanation = {
  readonly message: string;
  readonly hint: string;
  readonly exitCode: number;
};

export function explainError(err: unknown): Explanation | null {
  if (err instanceof UsageError || err instanceof PayloadError) {
    return { message: err.message, hint: err.hint, exitCode: EXIT_CODES.usage };
  }
  if (err instanceof EnvironmentError) {
    return { message: maskSecrets(err.message), hint: err.hint, exitCode: err.exitCode };
  }
  return explainDatabaseError(err);
}

/** As far as the errors of the driver, of the server and of sockets have it. */
const Trouble = z.object({
  code: z.string().default(""),
  message: z.string().default(""),
  hint: z.string().optional(),
  constraint: z.string().optional(),
  /** One error for each address of a host; the outer message is empty then. */
  errors: z.array(z.unknown()).default([]),
});
type Trouble = z.output<typeof Trouble>;

function explainDatabaseError(err: unknown): Explanation | null {
  const parsed = Trouble.safeParse(err);
  if (!parsed.success) {
    return null;
  }
  const trouble = parsed.data;
  const rule =
    RULES.find(({ applies }) => applies(trouble)) ?? (isTransient(err) ? UNREACHABLE : null);
  return (
    rule && {
      message: maskSecrets(rule.says(textOf(trouble))),
      // Where the schema lacks something, the server speaks of type casts.
      hint: /^(?:42|53100)/.test(trouble.code) ? rule.hint : (trouble.hint ?? rule.hint),
      exitCode: rule.exitCode,
    }
  );
}

function textOf(trouble: Trouble): string {
  const inner = trouble.errors.map((each) => Trouble.safeParse(each).data?.message ?? "");
  return [trouble.message, ...inner, trouble.code].find((text) => text !== "") ?? "";
}

type Rule = {
  readonly applies: (trouble: Trouble) => boolean;
  readonly says: (text: string) => string;
  readonly hint: string;
  readonly exitCode: number;
};

const UNREACHABLE: Omit<Rule, "applies"> = {
  says: (text) => `the database cannot be reached: ${text}`,
  hint: "is the server running (`triaged up` starts one), and is DATABASE_URL right?",
  exitCode: EXIT_CODES.databaseUnreachable,
};

/** The first that applies counts. */
const RULES: readonly Rule[] = [
  {
    applies: ({ code }) => code === "53100",
    says: (text) => `the database has no room left on its disk: ${text}`,
    hint: "make room, and nothing needs a restart: docs/runbooks/disk-full.md",
    exitCode: EXIT_CODES.databaseUnreachable,
  },
  {
    applies: ({ code }) => /^(TR00[123]|22...)$/.test(code),
    says: (text) => text,
    hint: "triaged COMMAND --help shows what is accepted",
    exitCode: EXIT_CODES.usage,
  },
  {
    applies: ({ message }) => message.includes("does not support SSL"),
    says: () => "the server does not offer TLS",
    hint: "add ?sslmode=disable to DATABASE_URL if the network in between is trusted",
    exitCode: EXIT_CODES.config,
  },
  {
    applies: ({ code }) => /CERT|UNABLE_TO_|ERR_(TLS|SSL|OSSL)/.test(code),
    says: (text) => `the server's certificate is not trusted: ${text}`,
    hint: "name its authority: ?sslmode=verify-full&sslrootcert=/path/to/ca.pem in DATABASE_URL",
    exitCode: EXIT_CODES.config,
  },
  {
    applies: ({ code, message }) => code.startsWith("28") || message.startsWith("SASL"),
    says: (text) => `the server refused the login: ${text}`,
    hint: "check user and password in DATABASE_URL (or POSTGRES_USER, POSTGRES_PASSWORD)",
    exitCode: EXIT_CODES.config,
  },
  {
    applies: ({ code }) => code === "3D000",
    says: (text) => text,
    hint: "create it (`triaged migrate --create`), or correct the last part of DATABASE_URL",
    exitCode: EXIT_CODES.config,
  },
  {
    applies: ({ code }) => code === "42501",
    says: (text) => `not allowed: ${text}`,
    hint: "let the owner run `triaged migrate`, which names the role to grant to this user",
    exitCode: EXIT_CODES.config,
  },
  {
    applies: ({ code }) => ["3F000", "42P01", "42883", "42703"].includes(code),
    says: (text) => `the schema is missing or not up to date: ${text}`,
    hint: "run `triaged migrate`, and look at TRIAGED_SCHEMA if it has another name",
    exitCode: EXIT_CODES.config,
  },
  {
    applies: ({ code }) => code === "25006",
    says: (text) => `the server is read-only: ${text}`,
    hint: READ_ONLY_HINT,
    exitCode: EXIT_CODES.config,
  },
  {
    applies: ({ code, constraint }) =>
      ["40001", "40P01", "55P03"].includes(code) ||
      // A partition for the row was made meanwhile.
      (code === "23514" && constraint === undefined),
    says: (text) => `another session was in the way: ${text}`,
    hint: "run the command again",
    exitCode: EXIT_CODES.databaseUnreachable,
  },
];

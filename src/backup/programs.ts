/** Programs of others that backups are made with: where they are, and a run of one. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { EnvironmentError, EXIT_CODES, hasCode } from "../model/errors.ts";
import { maskSecrets } from "../model/text.ts";
import { environmentOf, environmentWith } from "../settings/environment.ts";
import { SECRETS } from "../settings/variables.ts";
import { sleep } from "../system/waiting.ts";

/** The programs of one version of PostgreSQL. */
export type Programs = {
  readonly folder: string;
  /** As it says itself: `15.20 (Debian …)`. */
  readonly version: string;
  readonly major: number;
};

/** Where packages put them; * is the version. */
const PACKAGE_FOLDERS = [
  { parent: "/usr/lib/postgresql", form: /^\d{1,3}$/ },
  { parent: "/usr", form: /^pgsql-\d{1,3}$/ },
];
/** What a program says is kept to its end, and no more. */
const TOLD_CHARACTERS_MAX = 4_000;
const GRACE_MS = 5_000;

/**
 * The folder with `program` of the server's version, else of the next newer one that is installed:
 * in the folder of PG_BIN_DIR, else in PATH and where Debian and Red Hat put them. Throws an
 * EnvironmentError (78) where there is none, or only older ones.
 */
export async function findPrograms(
  program: string,
  { serverMajor, programsFolder }: { serverMajor: number; programsFolder: string | null },
): Promise<Programs> {
  const folders = programsFolder === null ? await knownFolders() : [programsFolder];
  const found = (await Promise.all(folders.map((folder) => lookAt(folder, program)))).filter(
    (one) => one !== null,
  );
  const [best] = found
    .filter(({ major }) => major >= serverMajor)
    .toSorted((one, other) => one.major - other.major);
  if (best !== undefined) {
    return best;
  }
  const older = Math.max(...found.map(({ major }) => major));
  const where = programsFolder === null ? "" : ` in PG_BIN_DIR, ${programsFolder}`;
  throw new EnvironmentError(
    found.length === 0
      ? `${program} is not installed${where}`
      : `${program}${where} is of PostgreSQL ${older}, and the server of ${serverMajor}: an older one cannot read it`,
    {
      hint:
        `install the programs of PostgreSQL ${serverMajor} (Debian: postgresql-client-${serverMajor}, of ` +
        "apt.postgresql.org where Debian has it not), or name their folder in PG_BIN_DIR",
      exitCode: EXIT_CODES.config,
    },
  );
}

async function knownFolders(): Promise<string[]> {
  const inPath = (environmentOf(["PATH"])["PATH"] ?? "").split(path.delimiter).filter(Boolean);
  const packaged = await Promise.all(
    PACKAGE_FOLDERS.map(async ({ parent, form }) => {
      const names = await readdir(parent).catch(() => []);
      return names.filter((name) => form.test(name)).map((name) => path.join(parent, name, "bin"));
    }),
  );
  return [...new Set([...packaged.flat(), ...inPath])];
}

async function lookAt(folder: string, program: string): Promise<Programs | null> {
  const told = await runProgram(path.join(folder, program), ["--version"]).catch(() => null);
  const [, version = "", major = ""] = /\) ((\d{1,4})[^\n]*)/.exec(told?.stdout ?? "") ?? [];
  return version === "" ? null : { folder, version, major: Number(major) };
}

/** A program ended otherwise than by 0. */
export class ProgramError extends Error {
  override readonly name = "ProgramError";
  /** What it said last, without secrets. */
  readonly told: string;

  constructor(program: string, how: string, told: string) {
    const last = told.trim().split("\n").slice(-3).join(" / ");
    super(`${path.basename(program)} ${how}${last === "" ? "" : `: ${last}`}`);
    this.told = told;
  }
}

type RunOptions = {
  /** Beside the environment of this process, without the secrets in it. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Whom it runs as, where that is not this process's user. */
  readonly user?: { readonly uid?: number; readonly gid?: number };
  readonly folder?: string;
  /** End it when this aborts: by SIGTERM, then by SIGKILL. */
  readonly signal?: AbortSignal | undefined;
  /** It is ended as well after so long, in milliseconds. @default never */
  readonly limitMs?: number;
};

/**
 * Run a program to its end, without a shell. Resolves to what it printed. Throws a ProgramError
 * where it does not exit with 0, the reason of the signal where that aborted, and an
 * EnvironmentError (78) where there is no such program.
 */
export async function runProgram(
  program: string,
  args: readonly string[],
  { environment = {}, user = {}, folder, signal, limitMs }: RunOptions = {},
): Promise<{ readonly stdout: string; readonly stderr: string }> {
  signal?.throwIfAborted();
  const child = spawn(program, args, {
    ...user,
    ...(folder === undefined ? {} : { cwd: folder }),
    env: environmentWith({ ...WITHOUT_SECRETS, ...environment }),
    stdio: ["ignore", "pipe", "pipe"],
  });
  const told = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (told.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    told.stderr = (told.stderr + text).slice(-TOLD_CHARACTERS_MAX);
  });
  const limit = limitMs === undefined ? [] : [AbortSignal.timeout(limitMs)];
  const ending = AbortSignal.any([...(signal === undefined ? [] : [signal]), ...limit]);
  const closed = new AbortController();
  const end = () => {
    child.kill("SIGTERM");
    void sleep(GRACE_MS, closed.signal).then(() => closed.signal.aborted || child.kill("SIGKILL"));
  };
  ending.addEventListener("abort", end, { once: true });
  try {
    await once(child, "close");
    const { exitCode, signalCode } = child;
    signal?.throwIfAborted();
    if (exitCode !== 0) {
      const how = limit.some(({ aborted }) => aborted)
        ? `was ended after ${limitMs} ms`
        : exitCode === null
          ? `was ended by ${signalCode}`
          : `exited with ${exitCode}`;
      throw new ProgramError(program, how, maskSecrets(told.stderr || told.stdout));
    }
    return told;
  } catch (err) {
    throw hasCode(err, "ENOENT", "EACCES") ? notThere(program, err) : err;
  } finally {
    closed.abort();
    ending.removeEventListener("abort", end);
  }
}

/** Who runs somebody else's program need not tell it ours. */
const WITHOUT_SECRETS = Object.fromEntries(
  SECRETS.flatMap((name) => [name, `${name}_FILE`]).map((name): [string, undefined] => [
    name,
    undefined,
  ]),
);

function notThere(program: string, cause: unknown): EnvironmentError {
  return new EnvironmentError(`there is no program ${program} that this user may run`, {
    hint: "install it, or correct the setting that names it",
    exitCode: EXIT_CODES.config,
    cause,
  });
}

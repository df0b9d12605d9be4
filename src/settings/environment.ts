import { readFileSync } from "node:fs";
import { getCompileCacheDir } from "node:module";
import path from "node:path";

/** Variables and their values, as in `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The environment without empty values, and with each secret that is named by its `*_FILE`
 * variable read from that file (a newline at its end does not count). Comes with one line
 * for each file that cannot be read and each secret that is given both ways.
 */
export function readSecretFiles(
  environment: Environment,
  secrets: readonly string[],
): { values: Environment; problems: string[] } {
  const values: Record<string, string> = {};
  const problems: string[] = [];
  for (const [name, value] of Object.entries(environment)) {
    if (value !== undefined && value.trim() !== "") {
      values[name] = value;
    }
  }
  for (const name of secrets) {
    const file = values[`${name}_FILE`];
    if (file === undefined) {
      continue;
    }
    if (values[name] !== undefined) {
      problems.push(`${name}_FILE: expected this or ${name}, got both`);
      continue;
    }
    try {
      values[name] = readFileSync(file, "utf8").replace(/\r?\n$/, "");
    } catch (err) {
      const code = err instanceof Error && "code" in err ? String(err.code) : "unknown error";
      problems.push(`${name}_FILE: cannot read ${file}: ${code}`);
    }
  }
  return { values, problems };
}

/** The environment for a child process: as this one has it, and what is given beside it. */
export function environmentWith(extra: Environment): Record<string, string | undefined> {
  // oxlint-disable-next-line node/no-process-env -- This file is its only reader.
  return { ...process.env, ...extra };
}

/** The variables of these names alone, as far as this process has them. */
export function environmentOf(names: readonly string[]): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const name of names) {
    // oxlint-disable-next-line node/no-process-env -- This file is its only reader.
    const value = process.env[name];
    if (value !== undefined) environment[name] = value;
  }
  return environment;
}

/** The variables whose names begin so, for a program of others that has settings of its own. */
export function environmentBeginning(prefix: string): Record<string, string> {
  // oxlint-disable-next-line node/no-process-env -- This file is its only reader.
  return environmentOf(Object.keys(process.env).filter((name) => name.startsWith(prefix)));
}

/**
 * The environment for a thread: unlike what runs in its process, a thread is told of Node's
 * compile cache by a variable alone, in which Node adds a folder for its own version.
 */
export function threadEnvironment(): Record<string, string | undefined> {
  const folder = getCompileCacheDir();
  return environmentWith(folder === undefined ? {} : { NODE_COMPILE_CACHE: path.dirname(folder) });
}

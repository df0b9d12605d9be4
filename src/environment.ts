import { readFileSync } from "node:fs";

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

import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { EnvironmentError, EXIT_CODES } from "../errors.ts";
import { CrontabError, parseCrontab, type Schedule } from "./crontab.ts";

/** Where the schedules are: the file that the settings name, else `crontab` here, if any. */
export function schedulesFile(setting: string | null): string | null {
  const here = path.resolve("crontab");
  return setting ?? (existsSync(here) ? here : null);
}

/** Read the schedules. Throws an EnvironmentError (78) that names each line that is wrong. */
export function readSchedules(file: string | null): Schedule[] {
  if (file === null) {
    return [];
  }
  try {
    return parseCrontab(readFileSync(file, "utf8"));
  } catch (err) {
    if (err instanceof CrontabError) {
      throw unusable(file, err.problems);
    }
    const reason = err instanceof Error ? err.message : String(err);
    throw new EnvironmentError(`the schedules cannot be read: ${reason}`, {
      hint: "correct or unset SCHEDULES_FILE",
      exitCode: EXIT_CODES.config,
      cause: err,
    });
  }
}

function unusable(file: string, problems: readonly string[]): EnvironmentError {
  const lines = problems.map((problem) => `${file}:${problem}`);
  return new EnvironmentError(
    lines.length === 1
      ? (lines[0] ?? "")
      : [`${lines.length} lines of the schedules cannot be used`, ...lines].join("\n  "),
    {
      hint: "docs/schedules.md has the format; `triaged schedules --check` looks at it again",
      exitCode: EXIT_CODES.config,
    },
  );
}

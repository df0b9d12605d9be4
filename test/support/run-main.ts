import { vi } from "vitest";
import { main } from "../../src/cli/main.ts";
import { triage } from "../../src/triage/application.ts";
import type { Ended } from "./processes.ts";

/**
 * Run `triaged <words>` without a process of its own: for what needs no stdin, and is asked dozens
 * of times; without `databaseUrl`, for what needs no database either. Not for two at once: stdout
 * and stderr are the process's.
 */
export async function runMain(
  words: readonly string[],
  { databaseUrl }: { readonly databaseUrl?: string } = {},
): Promise<Pick<Ended, "code" | "stdout" | "stderr">> {
  const stdout = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  const stderr = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  // What is not refused, against all expectation, must not reach a database.
  vi.stubEnv("DATABASE_URL", databaseUrl);
  try {
    const code = await main(words, triage);
    return { code, stdout: textOf(stdout), stderr: textOf(stderr) };
  } finally {
    vi.unstubAllEnvs();
    stdout.mockRestore();
    stderr.mockRestore();
  }
}

function textOf({ mock }: { readonly mock: { readonly calls: readonly (readonly unknown[])[] } }) {
  return mock.calls.map(([text]) => String(text)).join("");
}

/** Run `triaged import … --json`; `report` is what it printed. */
export async function importInto(url: string, ...words: string[]) {
  const { code, stdout, stderr } = await runMain(["import", ...words, "--json"], {
    databaseUrl: url,
  });
  return { code, stderr, report: stdout === "" ? null : JSON.parse(stdout) };
}

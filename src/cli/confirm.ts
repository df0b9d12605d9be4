import { createInterface } from "node:readline/promises";
import { UsageError } from "./usage-error.ts";

/** Ask the person at the terminal; throws a UsageError where there is nobody to ask. */
export async function confirm(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) {
    throw new UsageError(`${question} Nobody is there to confirm it`, { hint: "add --yes" });
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}

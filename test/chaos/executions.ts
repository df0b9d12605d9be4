import { appendFileSync } from "node:fs";
import { readFile } from "node:fs/promises";

/** The variable that tells handlers which file they append to. */
export const EXECUTIONS_FILE = "CHAOS_EXECUTIONS_FILE";

/** One run of a handler, as it noted it before it did anything. */
export type Execution = { readonly taskId: string; readonly attempt: number };

/** Note, from within a handler, that it runs. One short line: appending it is atomic. */
export function noteExecution({ taskId, attempt }: Execution): void {
  // oxlint-disable-next-line node/no-process-env -- Of the chaos run; no setting of triaged.
  const file = process.env[EXECUTIONS_FILE];
  if (file === undefined) {
    throw new Error(`expected ${EXECUTIONS_FILE} to be set`);
  }
  appendFileSync(file, `${taskId} ${attempt}\n`);
}

export async function readExecutions(file: string): Promise<Execution[]> {
  const lines = (await readFile(file, "utf8")).split("\n").filter(Boolean);
  return lines.map((line) => {
    const [taskId = "", attempt = ""] = line.split(" ");
    return { taskId, attempt: Number(attempt) };
  });
}

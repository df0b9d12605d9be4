import path from "node:path";
import type { Client } from "pg";
import type { TriageResult } from "../../src/triage/facts/result.ts";
import { enqueue } from "./tasks.ts";
import { waitForStatus } from "./worker-test.ts";

/** The folder of a handler that takes as long for a verdict as its payload says. */
export const TASKS = path.join(import.meta.dirname, "..", "fixtures", "verdicts");

export async function askForVerdict(
  client: Client,
  payload: Record<string, unknown>,
): Promise<string> {
  return await enqueue(client, { task_type: "verdict", payload: { about: "abcdef0", ...payload } });
}

/** Wait until the task is finished, and resolve to its result. */
export async function verdictOf(client: Client, taskId: string): Promise<TriageResult> {
  const { result } = await waitForStatus(client, taskId, "finished");
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- The handler returns nothing else.
  return result as TriageResult;
}

import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { z } from "zod";
import type { Case } from "./case.ts";
import { CLASSES } from "./class.ts";

const outcome = z.object({
  got: z.enum(CLASSES),
  urgency: z.string(),
  confidence: z.number(),
  /** Wall clock, the start of the analysis' thread included. */
  seconds: z.number(),
  /** Of the processor, over all threads. Other work on the machine does not count. */
  cpuSeconds: z.number(),
  /** The most memory that the process held, in MiB. */
  peakMib: z.number(),
  degraded: z.array(z.string()),
  capsHit: z.array(z.string()),
  summary: z.string(),
});
export type Outcome = z.output<typeof outcome>;

const PROGRAM = path.join(import.meta.dirname, "run-case.ts");
const execute = promisify(execFile);

/** Run a case in a process of its own. Rejects with what that says on stderr. */
export async function outcomeOf(one: Case): Promise<Outcome> {
  const { stdout } = await execute(process.execPath, [PROGRAM, one.folder]);
  return outcome.parse(JSON.parse(stdout));
}

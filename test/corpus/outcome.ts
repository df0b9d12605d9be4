import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { z } from "zod";
import { type Case, KINDS } from "./case.ts";

const outcome = z.object({
  judged: z.object({
    name: z.string(),
    kind: z.enum(KINDS),
    usedForRules: z.boolean(),
    breaks: z.boolean(),
    asked: z.boolean(),
    namesFirst: z.boolean(),
    claims: z.boolean(),
    proves: z.boolean(),
    deniesUse: z.boolean(),
  }),
  urgency: z.string(),
  confidence: z.number(),
  /** Wall clock, the start of the analysis' process included. */
  seconds: z.number(),
  /** Of the processor, over all processes. Other work on the machine does not count. */
  cpuSeconds: z.number(),
  /** The most memory that a process of it held, in MiB. */
  peakMib: z.number(),
  degraded: z.array(z.string()),
  capsHit: z.array(z.string()),
  summary: z.string(),
});
export type Outcome = z.output<typeof outcome>;

/** A case and what came of it. */
export type Row = { readonly one: Case; readonly outcome: Outcome };

const PROGRAM = path.join(import.meta.dirname, "run-case.ts");
const execute = promisify(execFile);

/** Run a case in a process of its own. Rejects with what that says on stderr. */
async function outcomeOf(one: Case): Promise<Outcome> {
  const { stdout } = await execute(process.execPath, [PROGRAM, one.folder]);
  return outcome.parse(JSON.parse(stdout));
}

/** Run cases, so many at a time; the rows are in the order of the cases. */
export async function runCases(
  cases: readonly Case[],
  atATime: number,
  onBegin: (one: Case, at: number) => void,
): Promise<Row[]> {
  const rows: Row[] = [];
  let next = 0;
  const runSome = async (): Promise<void> => {
    for (let at = next++; at < cases.length; at = next++) {
      const one = cases[at];
      if (one === undefined) return;
      onBegin(one, at);
      rows[at] = { one, outcome: await outcomeOf(one) };
    }
  };
  await Promise.all(Array.from({ length: atATime }, runSome));
  return rows;
}

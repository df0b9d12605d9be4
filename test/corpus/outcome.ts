import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { z } from "zod";
import { type Case, KINDS, requiresAction } from "./case.ts";

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

/** As long as a worker gives a task. */
const LIMIT_MS = 600_000;

/** Run a case in a process of its own. One that fails, or takes too long, is told as wrong. */
async function outcomeOf(one: Case): Promise<Outcome> {
  const startedAt = performance.now();
  try {
    const { stdout } = await execute(process.execPath, [PROGRAM, one.folder], {
      timeout: LIMIT_MS,
    });
    return outcome.parse(JSON.parse(stdout));
  } catch (err) {
    return failed(one, String(err), (performance.now() - startedAt) / 1_000);
  }
}

/** No verdict: of a break that is as bad as silence, of anything else as an alarm. */
function failed(one: Case, why: string, seconds: number): Outcome {
  const breaks = requiresAction(one.class);
  return {
    judged: {
      name: one.name,
      kind: one.kind,
      usedForRules: one.used_for_rules,
      breaks,
      asked: !breaks,
      namesFirst: false,
      claims: false,
      proves: false,
      deniesUse: false,
    },
    urgency: "none",
    confidence: 0,
    seconds,
    cpuSeconds: 0,
    peakMib: 0,
    degraded: [],
    capsHit: ["failed"],
    summary: why,
  };
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

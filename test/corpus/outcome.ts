import { type ChildProcess, execFile, fork } from "node:child_process";
import { once } from "node:events";
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
  /** The most memory that a process of it held, in MiB; null where it shared its processes. */
  peakMib: z.number().nullable(),
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

/** Runs a case. One that fails, or takes too long, is told as wrong. */
type RunCase = (one: Case) => Promise<Outcome>;

async function toldAsWrong(one: Case, run: RunCase): Promise<Outcome> {
  const startedAt = performance.now();
  try {
    return await run(one);
  } catch (err) {
    return failed(one, String(err), (performance.now() - startedAt) / 1_000);
  }
}

/** In a process of its own. */
async function runAlone(one: Case): Promise<Outcome> {
  const { stdout } = await execute(process.execPath, [PROGRAM, one.folder], { timeout: LIMIT_MS });
  return outcome.parse(JSON.parse(stdout));
}

/**
 * A process that runs cases one after the other, as a worker does: the compiler is loaded, and its
 * library parsed, once. It is started again behind a case that it ends with.
 */
class SharedProcess {
  #child: ChildProcess | null = null;

  readonly run: RunCase = async (one) => {
    const child = (this.#child ??= fork(PROGRAM, { serialization: "json" }));
    const signal = AbortSignal.timeout(LIMIT_MS);
    const ended = once(child, "exit", { signal }).then(([code, by]) => {
      throw new Error(`its process ended with ${code ?? by}`);
    });
    try {
      child.send(one.folder);
      const [answer] = await Promise.race([once(child, "message", { signal }), ended]);
      return outcome.parse(answer);
    } catch (err) {
      child.kill("SIGKILL");
      this.#child = null;
      throw err;
    } finally {
      ended.catch(() => {});
    }
  };

  end(): void {
    if (this.#child?.connected === true) this.#child.disconnect();
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
    peakMib: null,
    degraded: [],
    capsHit: ["failed"],
    summary: why,
  };
}

export type RunSettings = {
  /** Cases at a time. */
  readonly jobs: number;
  /** Whether each runs in a process of its own, so that its time and memory are its own. */
  readonly alone: boolean;
  readonly onBegin: (one: Case, at: number) => void;
};

/** Run cases; the rows are in the order of the cases. */
export async function runCases(
  cases: readonly Case[],
  { jobs, alone, onBegin }: RunSettings,
): Promise<Row[]> {
  const rows: Row[] = [];
  let next = 0;
  const runSome = async (): Promise<void> => {
    const shared = new SharedProcess();
    const run = alone ? runAlone : shared.run;
    for (let at = next++; at < cases.length; at = next++) {
      const one = cases[at];
      if (one === undefined) break;
      onBegin(one, at);
      rows[at] = { one, outcome: await toldAsWrong(one, run) };
    }
    shared.end();
  };
  await Promise.all(Array.from({ length: jobs }, runSome));
  return rows;
}

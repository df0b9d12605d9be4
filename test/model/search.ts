import * as fc from "fast-check";
import type { Client } from "pg";
import { runBeside } from "./run-beside.ts";
import { STEPS } from "./steps.ts";

type Options = {
  readonly runs: number;
  readonly seed: number;
  /** Of a failure that was reported: begin there. */
  readonly path?: string | undefined;
  readonly onRun?: (count: number) => void;
};

type Found = {
  /** What the shortest sequence is on which they disagree, and how to run it again. */
  readonly failure?: string | undefined;
  readonly events: number;
  /** How often each transition was made, by "FROM -> TO event". */
  readonly covered: ReadonlyMap<string, number>;
};

/** Look for a sequence of events on which the queue and the model disagree. */
export async function search(db: Client, { runs, seed, path, onRun }: Options): Promise<Found> {
  const covered = new Map<string, number>();
  let events = 0;
  let count = 0;
  const property = fc.asyncProperty(STEPS, async (steps) => {
    const world = await runBeside(db, steps);
    events += steps.length;
    count += 1;
    onRun?.(count);
    for (const entries of world.history.values()) {
      for (const [index, { event, status }] of entries.entries()) {
        const transition = `${entries[index - 1]?.status ?? "none"} -> ${status} ${event}`;
        covered.set(transition, (covered.get(transition) ?? 0) + 1);
      }
    }
  });
  const details = await fc.check(property, {
    numRuns: runs,
    seed,
    ...(path === undefined ? {} : { path }),
  });
  return { failure: details.failed ? tell(details) : undefined, events, covered };
}

function tell<Values>(details: fc.RunDetails<Values>): string {
  const { seed, counterexamplePath, errorInstance, numRuns, numShrinks } = details;
  const why = errorInstance instanceof Error ? errorInstance.message : String(errorInstance);
  return [
    why,
    `found by sequence ${numRuns}, shrunk ${numShrinks} times; once more:`,
    `  npm run fuzz -- --seed ${seed} --path ${counterexamplePath}`,
  ].join("\n");
}

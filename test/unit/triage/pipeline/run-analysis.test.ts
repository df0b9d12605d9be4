import { expect } from "vitest";
import type { AnalysisProgress } from "../../../../src/triage/facts/analysis.ts";
import { runAnalysis } from "../../../../src/triage/pipeline/run-analysis.ts";
import { test } from "../../../support/packages.ts";

const SLOW = { timeout: 60_000 };

const UPGRADE = {
  from: { "index.d.ts": "export function get(): string;" },
  to: { "index.d.ts": "export function get(): number;" },
  consumer: { "a.ts": 'import { get } from "provider";\nget();\n' },
};

test("the event loop stays free while the compiler works", SLOW, async ({ makeUpgrade }) => {
  const request = await makeUpgrade(UPGRADE);
  const steps: AnalysisProgress[] = [];
  const turns = countTurns();

  const analysis = await runAnalysis(request, {
    signal: new AbortController().signal,
    onProgress: (progress) => steps.push(progress),
  });

  expect(analysis.hits.map(({ finding }) => finding.id)).toContain("ts.signature:get");
  expect(steps.map(({ percent }) => percent)).toEqual([5, 20, 60]);
  // The whole of it takes some hundred milliseconds; in this process it would be one turn.
  expect(turns.stop()).toBeGreaterThan(20);
});

test("a cancel ends the analysis with its reason", SLOW, async ({ makeUpgrade }) => {
  const request = await makeUpgrade(UPGRADE);
  const controller = new AbortController();
  const reason = new Error("cancelled by an operator");
  const steps: string[] = [];

  const running = runAnalysis(request, {
    signal: controller.signal,
    onProgress: ({ step }) => {
      steps.push(step);
      controller.abort(reason);
    },
  });

  await expect(running).rejects.toBe(reason);
  expect(steps).toHaveLength(1);
});

test("a signal that has aborted starts nothing", async ({ makeUpgrade }) => {
  const request = await makeUpgrade(UPGRADE);
  const reason = new Error("shutdown");

  await expect(runAnalysis(request, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
});

test("an analysis that takes too long at every depth says that nothing is known", async ({
  makeUpgrade,
}) => {
  const request = await makeUpgrade(UPGRADE);
  const signal = new AbortController().signal;

  expect(await runAnalysis(request, { signal, limitMs: { types: 1, names: 2 } })).toMatchObject({
    usage: "unknown",
    hits: [{ finding: { id: "triage.not_analysed:provider", breaking: "maybe" } }],
    degraded: ["provider was not analysed: it took longer than 2 ms"],
    capsHit: ["analysis_time"],
  });
});

test("an analysis that would begin after the time of its task is not started", async ({
  makeUpgrade,
}) => {
  const request = await makeUpgrade(UPGRADE);
  const signal = new AbortController().signal;

  expect(await runAnalysis(request, { signal, until: performance.now() })).toMatchObject({
    degraded: [
      "provider was not analysed: the analyses of its task took all the time that they have together",
    ],
    capsHit: ["analysis_time"],
  });
});

test("types that take too long to compare are left out", SLOW, async ({ makeUpgrade }) => {
  const request = await makeUpgrade({
    ...UPGRADE,
    from: { "index.d.ts": "export function get(): string; export function gone(): void;" },
  });

  const analysis = await runAnalysis(request, {
    signal: new AbortController().signal,
    limitMs: { types: 1, names: 60_000 },
  });

  expect(analysis.capsHit).toEqual(["surface_types"]);
  expect(
    analysis.hits
      .map(({ finding }) => finding)
      .filter(({ breaking }) => breaking === "yes")
      .map(({ id }) => id),
  ).toEqual(["ts.export_removed:gone"]);
});

test("an error in the process comes back as it was", async ({ makeUpgrade }) => {
  const request = await makeUpgrade({ to: { "package.json": "[]" } });
  const signal = new AbortController().signal;

  await expect(runAnalysis(request, { signal })).rejects.toMatchObject({
    name: "PermanentError",
    message: expect.stringMatching(/^cannot parse .*: expected a JSON object$/),
  });
});

/** Counts how often the event loop comes round. */
function countTurns(): { stop: () => number } {
  let turns = 0;
  const timer = setInterval(() => {
    turns += 1;
  }, 5);
  return {
    stop: () => {
      clearInterval(timer);
      return turns;
    },
  };
}

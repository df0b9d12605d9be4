import { defineHandler } from "../src/handler.ts";
import { PermanentError } from "../src/outcome.ts";
import { consumerResult } from "../src/triage/consumer-result.ts";
import { isNpmPayload, npmRequest } from "../src/triage/npm-request.ts";
import { consumerTriagePayload } from "../src/triage/payload.ts";
import { triageResult } from "../src/triage/result.ts";
import { runAnalysis } from "../src/triage/run-analysis.ts";

const VERSION = "1.0.0";

/**
 * Does an upgrade of a package break this consumer? Compares the two published versions,
 * finds where the consumer meets the differences, and compiles it against both.
 */
export default defineHandler({
  payload: consumerTriagePayload,
  result: triageResult,
  version: VERSION,
  timeout: 600_000,
  // Each holds a thread, which may take a core and two gigabytes.
  concurrency: 2,
  async run(payload, context) {
    const startedAt = performance.now();
    if (!isNpmPayload(payload)) {
      throw new PermanentError(
        "only npm mode is available in this version: expected change_event.package to be " +
          "{name, from, to}, got none (comparing two commits of a git repository is not supported)",
      );
    }
    const analysis = await runAnalysis(npmRequest(payload, process.cwd()), {
      signal: context.signal,
      onProgress: ({ percent, step }) => context.progress(percent, step),
    });
    const durationMs = Math.round(performance.now() - startedAt);
    return consumerResult(payload, analysis, {
      handler: "consumer_triage",
      version: VERSION,
      durationMs,
    });
  },
});

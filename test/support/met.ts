import type { Analysis } from "../../src/triage/facts/analysis.ts";

/** What breaks or may, and where the consumer meets it. */
export function met({ hits }: Analysis): string[] {
  return hits
    .filter(({ finding }) => finding.breaking !== "no")
    .map(({ finding, usage, hits: places }) =>
      [finding.id, usage, ...places.map(({ path, line }) => `${path}:${line}`)].join(" "),
    );
}

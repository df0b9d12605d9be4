import { statSync } from "node:fs";
import { counted, PermanentError } from "../../index.ts";
import { changeFindings } from "../change/change-findings.ts";
import { readTextTree } from "../consumer/consumer-files.ts";
import { matchService, serviceEvidence, serviceUsage } from "../consumer/service-usage.ts";
import {
  type Analysis,
  type AnalysisProgress,
  boundedFacts,
  type ServiceRequest,
  sortedSet,
  type Tree,
} from "../facts/analysis.ts";
import type { ChangeSet } from "../facts/change-set.ts";
import type { Hit, Usage } from "../facts/finding.ts";
import type { ServiceFound } from "../facts/service.ts";

/**
 * Find what a change of a service may break, and where a consumer meets it. Throws a
 * PermanentError for a consumer's folder that is not there.
 */
export function analyzeService(
  request: ServiceRequest,
  onProgress: (at: AnalysisProgress) => void,
): Analysis {
  const { change } = request;
  onProgress({ percent: 5, step: "reading the change" });
  const leftOut: string[] = [];
  const found = changeFindings(change, (reason) => leftOut.push(reason));
  onProgress({ percent: 40, step: "searching the consumer" });
  const met = consumerFacts(request, found);
  return {
    ...boundedFacts({
      hits: met.hits,
      diagnostics: [],
      capsHit: [...change.capsHit, ...met.capsHit],
    }),
    usage: met.usage,
    exposure: null,
    targetSha: met.targetSha,
    isPayloadOnly: change.mode === "payload",
    truncated: change.truncated,
    degraded: sortedSet([...degradedBy(change), ...leftOut]),
  };
}

type ConsumerFacts = {
  readonly hits: readonly Hit[];
  readonly usage: Usage;
  readonly targetSha: string;
  readonly capsHit: readonly string[];
};

function consumerFacts(
  { consumer, identity }: ServiceRequest,
  found: readonly ServiceFound[],
): ConsumerFacts {
  if (consumer === null) {
    const hits = found.map(({ finding }) => ({ finding, usage: "unknown" as const, hits: [] }));
    return { hits, usage: "unknown", targetSha: "", capsHit: [] };
  }
  checkFolder(consumer, identity.repo);
  const tree = readTextTree(consumer.path, identity.interfaceFiles);
  const capsHit = sortedSet([...tree.capsHit, ...consumer.capsHit]);
  const evidence = serviceEvidence({ ...tree, capsHit }, identity, found);
  const hits = found.map((one) => matchService(one, evidence));
  return {
    hits,
    usage: serviceUsage(evidence, hits),
    targetSha: consumer.revision ?? tree.sha,
    capsHit,
  };
}

function checkFolder({ path }: Tree, repo: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return;
  throw new PermanentError(
    `expected the folder of the consumer of ${repo} at ${path}, got none; ` +
      "hint: correct relationship_config.path, or leave it out to judge without the consumer",
  );
}

/** A text of which neither content nor a line of a diff is known: nothing was compared. */
function degradedBy({ files }: ChangeSet): string[] {
  const blind = files.filter(
    (file) =>
      !file.isBinary &&
      file.changeType !== "renamed" &&
      file.before === null &&
      file.after === null &&
      file.added.length === 0 &&
      file.removed.length === 0,
  );
  return blind.length === 0 ? [] : [`${counted(blind.length, "changed file")} came without a diff`];
}

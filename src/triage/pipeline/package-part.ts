import { join } from "node:path/posix";
import type { Analysis, AnalysisRequest, Exposure } from "../facts/analysis.ts";
import type { Hit } from "../facts/finding.ts";

/** A package to compare. */
export type PackagePart = {
  readonly request: AnalysisRequest;
  /** Where it is in a repository; null for one that is published. */
  readonly origin: {
    /** "" for the root. */
    readonly folder: string;
    /** The commit of its new version. */
    readonly commit: string;
  } | null;
};

/** As git abbreviates, with room for large repositories. */
const SHA_CHARS = 12;

/**
 * The analysis of a package without what only its scratch folders explain: paths are seen
 * from the root of the repository, and no text names a folder that is gone afterwards.
 */
export function withRepositoryPaths(part: PackagePart, analysis: Analysis): Analysis {
  const clean = <Text extends string | null>(text: Text) =>
    text === null ? text : withoutFolders(part.request, text);
  const outside = ({ finding, ...hit }: Hit): Hit => ({
    ...hit,
    finding: {
      ...finding,
      provider: inRepository(part, finding.provider),
      before: clean(finding.before),
      after: clean(finding.after),
    },
  });
  return {
    ...analysis,
    hits: analysis.hits.map(outside),
    diagnostics: analysis.diagnostics.map((one) => ({
      ...one,
      message: withoutFolders(part.request, one.message),
    })),
    exposure: exposureIn(part, analysis.exposure),
    degraded: analysis.degraded.map((text) => withoutFolders(part.request, text)),
  };
}

/** A text in which the folders of a request are called by what they hold. */
export function withoutFolders(
  { package: { name, from, to, fromPath, toPath }, consumer }: AnalysisRequest,
  text: string,
): string {
  const called = [
    [fromPath, `${name}@${from}`],
    [toPath, `${name}@${to}`],
    [`${consumer.path}/`, ""],
  ] as const;
  return called.reduce(
    (labelled, [folder, label]) =>
      folder === null ? labelled : labelled.replaceAll(folder, label),
    text,
  );
}

function inRepository({ origin }: PackagePart, location: Hit["finding"]["provider"]) {
  return location === null || origin === null
    ? location
    : { ...location, path: join(origin.folder, location.path) };
}

/** A commit that keeps the number of its version is of a release that has none yet. */
function exposureIn({ request, origin }: PackagePart, exposure: Exposure | null): Exposure | null {
  const { from, to } = request.package;
  if (exposure === null || origin === null || from !== to) return exposure;
  const commit = origin.commit.slice(0, SHA_CHARS);
  return { ...exposure, new: to === "" ? commit : `${to}+${commit}`, satisfies: null };
}

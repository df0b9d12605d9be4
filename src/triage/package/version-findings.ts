import semver from "semver";
import { type Found, finding } from "../finding.ts";
import type { PackagePair } from "./locate.ts";
import { manifestLine } from "./manifest-line.ts";

/** What is known of the two versions when their numbers are judged. */
export type Known = {
  readonly found: readonly Found[];
  /** Whether all of their types were compared, so that little can have escaped. */
  readonly compared: boolean;
};

/**
 * The step of the version number: maybe breaking where semver allows it to be, and nothing
 * else says what for. A major that is known to break something, or to want a newer Node, has
 * told its reason; what of it the consumer meets is for those findings. One without a reason
 * in sight changes what things do, which no comparison shows.
 */
export function versionFindings({ from, to }: PackagePair, known: Known): Found[] {
  const before = from.manifest.version;
  const after = to.manifest.version;
  if (before === after) return [];
  return [
    {
      finding: finding({
        rule: "pkg.version",
        subject: to.manifest.name,
        breaking: mayBreak(before, after) && !isExplained(known) ? "maybe" : "no",
        provider: manifestLine(to.text, "version"),
        before,
        after,
      }),
      match: { by: "package" },
    },
  ];
}

/** Outside of the caret range: a major step, in 0.x a minor one, or a way back. */
export function mayBreak(before: string, after: string): boolean {
  return !semver.satisfies(after, `^${before}`, { includePrerelease: true });
}

function isExplained({ found, compared }: Known): boolean {
  return (
    compared &&
    found.some(({ finding: { breaking, rule } }) => breaking !== "no" || REQUIREMENTS.has(rule))
  );
}

/** Narrowed for somebody, whether or not for this consumer. */
const REQUIREMENTS = new Set(["pkg.engines", "pkg.peer_narrowed"]);

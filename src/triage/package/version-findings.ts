import semver from "semver";
import { type Found, finding } from "../finding.ts";
import type { PackagePair } from "./locate.ts";
import { manifestLine } from "./manifest-line.ts";

/** The step of the version number: maybe breaking where semver allows it to be. */
export function versionFindings({ from, to }: PackagePair): Found[] {
  const before = from.manifest.version;
  const after = to.manifest.version;
  if (before === after) return [];
  return [
    {
      finding: finding({
        rule: "pkg.version",
        subject: to.manifest.name,
        breaking: mayBreak(before, after) ? "maybe" : "no",
        provider: manifestLine(to.text, "version"),
        before,
        after,
      }),
      match: { by: "package" },
    },
  ];
}

/** Outside of the caret range: a major step, in 0.x a minor one, or a way back. */
function mayBreak(before: string, after: string): boolean {
  return !semver.satisfies(after, `^${before}`, { includePrerelease: true });
}

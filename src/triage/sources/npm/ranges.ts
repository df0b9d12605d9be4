/** Ranges of versions held against each other. A wall: pure, with tests of its own. */
import semver from "semver";

/**
 * Whether a range lets in nothing but what another one does; null where one of them is no range.
 *
 * semver.subset asks of each alternative that one alternative of the other range holds all of it,
 * so that it does not find `>=22.12` in `^22.12.0 || >=23.0.0`. Between the versions that stand in
 * the two ranges neither changes: these, and the next one after each, tell of all releases.
 */
export function isRangeWithin(range: string, other: string): boolean | null {
  if (semver.validRange(range) === null || semver.validRange(other) === null) return null;
  if (semver.subset(range, other)) return true;
  return [range, other]
    .flatMap(versionsIn)
    .every((version) => !semver.satisfies(version, range) || semver.satisfies(version, other));
}

/** The releases at which a range changes its answer, and the next after each. */
function versionsIn(range: string): semver.SemVer[] {
  const named = new semver.Range(range).set.flat().flatMap(({ semver: version }) => {
    // Of `*` the version is a symbol.
    return version instanceof semver.SemVer ? [version] : [];
  });
  return ["0.0.0", ...named.map(({ major, minor, patch }) => `${major}.${minor}.${patch}`)].flatMap(
    (release) => [new semver.SemVer(release), new semver.SemVer(release).inc("patch")],
  );
}

import { type Found, finding } from "../../facts/finding.ts";
import type { PackagePair } from "../../sources/npm/installed.ts";
import { manifestLine } from "../../sources/npm/manifest.ts";
import { releaseNotes } from "../../sources/npm/release-notes.ts";
import { mayBreak } from "../manifest-findings.ts";
import type { UsedChanges } from "./used-changes.ts";

/** What is known of the two versions when their numbers are judged. */
type KnownFindings = {
  readonly found: readonly Found[];
  /** Whether all of their types were compared, so that little can have escaped. */
  readonly compared: boolean;
  /** Whether the code that the consumer runs differs: without that, a number is only a number. */
  readonly runsOtherCode: boolean;
  /** Tells what is used, of which something may have changed; null where that is not seen. */
  readonly used: (isExplained: boolean) => UsedChanges | null;
};

/**
 * The step of the version number, with what the release says of itself, and what it changed of
 * what the consumer uses. A major that is known to break something, or to want a newer Node, has
 * told its reason; what of it the consumer meets is for those findings. One for which nothing
 * gives a reason is held against what is used: what has changed there is a finding of its own, and
 * where what is used cannot be told, the step itself may break. All else is a remark.
 */
export function versionFindings(pair: PackagePair, known: KnownFindings): Found[] {
  const { from, to } = pair;
  const before = from.manifest.version;
  const after = to.manifest.version;
  if (before === after) return [];
  const isStep = mayBreak(before, after);
  const mayDiffer = isStep && known.runsOtherCode;
  const hasReason = isExplained(known);
  const isOpen = mayDiffer && !hasReason;
  const changes = mayDiffer ? known.used(hasReason) : null;
  const used = isOpen ? changes : null;
  const unknown = used?.unknown ?? ["what is used of it"];
  const isRemark = !isOpen || unknown.length === 0;
  const isReasoned = used === null || used.isOfPlatformAlone || used.found.length > 0;
  const places = used?.unknownAt ?? [];
  const notes = isStep ? releaseNotes(pair) : null;
  return [
    {
      finding: finding({
        rule: "pkg.version",
        subject: to.manifest.name,
        breaking: isRemark ? "no" : "maybe",
        provider: manifestLine(to.text, "version"),
        before,
        after,
        notes: notes === null ? null : `${notes.file}: ${notes.text}`,
        own: isRemark ? null : (used?.unknownAs ?? null),
        compared: isRemark ? (isReasoned ? null : COMPARED) : notComparable(unknown),
      }),
      // Who is told that something cannot be known is told of which line.
      match:
        isRemark || places.length === 0 ? { by: "package" } : { by: "places", places: [...places] },
    },
    ...(changes?.found ?? []).filter((one) => !isToldOf(one, known.found)),
  ];
}

/** A name that is gone is told once, by the load that does not find it. */
function isToldOf({ finding: { rule, subject } }: Found, found: readonly Found[]): boolean {
  if (rule !== "js.member_removed") return false;
  return found.some(
    ({ finding: { id }, match }) => id === `js.export_removed:${subject}` && match.by === "places",
  );
}

/** Of what is used, where nothing of it has changed as far as files show. */
const COMPARED = "what is used here loads as before, with its members, parameters and options";

function notComparable(unknown: readonly string[]): string {
  return `the files do not tell ${unknown.slice(0, UNKNOWN_MAX).join(", ")}`;
}

const UNKNOWN_MAX = 3;

function isExplained({ found, compared }: KnownFindings): boolean {
  return (
    compared &&
    found.some(({ finding: { breaking, rule } }) => breaking !== "no" || REQUIREMENTS.has(rule))
  );
}

/** Narrowed for somebody, whether or not for this consumer. */
const REQUIREMENTS = new Set(["pkg.engines", "pkg.peer_narrowed"]);

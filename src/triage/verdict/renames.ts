// What was renamed, told as one change and not as two. A wall: pure, with tests of its own.
import type { Analysis } from "../facts/analysis.ts";
import type { Finding, Hit } from "../facts/finding.ts";

const REMOVED = new Set(["ts.export_removed", "ts.member_removed"]);
const ADDED = new Set(["ts.added", "ts.optional_added"]);

/**
 * The hits, in which what was removed names what came in its place: the one thing of the same type
 * that came beside it, where one such thing went. That is not told a second time.
 */
export function withRenames(hits: readonly Hit[], { hits: all }: Pick<Analysis, "hits">): Hit[] {
  const removed = all.filter(({ finding }) => REMOVED.has(finding.rule));
  const added = all.filter(({ finding }) => cameNew(finding));
  const goneByShape = Map.groupBy(removed, ({ finding }) => shapeOf(finding, finding.before));
  const newByShape = Map.groupBy(added, ({ finding }) => shapeOf(finding, finding.after));
  const heirs = new Map<string, Finding>();
  for (const [shape, [gone, ...others]] of goneByShape) {
    const [heir, ...more] = newByShape.get(shape) ?? [];
    if (shape === null || gone === undefined || heir === undefined) continue;
    if (others.length + more.length === 0) heirs.set(gone.finding.id, heir.finding);
  }
  const heirIds = new Set([...heirs.values()].map(({ id }) => id));
  return hits
    .filter(({ finding }) => !heirIds.has(finding.id))
    .map((hit) => {
      const replacement = hit.finding.replacement ?? heirs.get(hit.finding.id)?.subject ?? null;
      return { ...hit, finding: { ...hit.finding, replacement } };
    });
}

function cameNew({ rule, before }: Finding): boolean {
  return ADDED.has(rule) || (rule === "ts.signature" && before === null);
}

/**
 * Where it stands and what it is, but for its name; null where nobody knows, or where that says so
 * little that the next best would have it too.
 */
function shapeOf({ subject }: Finding, text: string | null): string | null {
  const [path = "", subpath = ""] = subject.split(" (", 2);
  const at = path.lastIndexOf(".") + 1;
  const name = path.slice(at);
  if (text === null || name === "" || !text.includes(name) || text.includes("()")) return null;
  const shape = text
    .replace(name, "_")
    .replace("_?", "_")
    .replaceAll(/[\s;]+/g, " ")
    .trim();
  return JSON.stringify([path.slice(0, at), subpath, shape]);
}

import type { JoinedStore } from "./joined-store.ts";
import { isCommit, type RangeCommit, type RangeCommits } from "./range-commits.ts";
import { TEMPLATE_LIMITS } from "./template-limits.ts";

/** What two histories have to do with each other. */
export type Ancestry = {
  /** The newest commit that both have; null: they share no history. */
  readonly mergeBase: string | null;
  /** Commits of the template before the change that the derivative does not have. */
  readonly behind: number;
  /** Commits of the change that the derivative has: themselves, or others with the same patch. */
  readonly ported: ReadonlySet<string>;
  /** Whether a history was too long to look for such others. */
  readonly isCut: boolean;
};

type Heads = {
  readonly base: string;
  readonly head: string;
  /** The derivative's commit. */
  readonly target: string;
};

/** Hold the histories of a change and of a derivative against each other. */
export async function ancestryOf(
  store: JoinedStore,
  { base, head, target }: Heads,
  commits: readonly RangeCommit[],
): Promise<Ancestry> {
  const found = await store.line(["merge-base", target, head], { exitCodes: [0, 1] });
  const mergeBase = found === "" ? null : (found.split("\n", 1)[0] ?? null);
  const hasBase = await isCommit(store, base);
  const behind =
    mergeBase !== null && hasBase
      ? Number(await store.line(["rev-list", "--count", base, `^${target}`]))
      : 0;
  const absent = new Set(
    linesOf(await store.line(["rev-list", head, ...(hasBase ? [`^${base}`] : []), `^${target}`])),
  );
  const isLong = await isLongHistory(store, head, target);
  const samePatch = isLong
    ? []
    : linesOf(await store.line(["cherry", target, head, ...(hasBase ? [base] : [])]))
        .filter((line) => line.startsWith("- "))
        .map((line) => line.slice(2));
  const asOther = new Set(samePatch);
  const ported = commits.filter(({ id }) => !absent.has(id) || asOther.has(id));
  return { mergeBase, behind, ported: new Set(ported.map(({ id }) => id)), isCut: isLong };
}

/** Comparing patches makes a diff of each commit that one side has and the other has not. */
async function isLongHistory(store: JoinedStore, head: string, target: string): Promise<boolean> {
  const { historyMax } = TEMPLATE_LIMITS;
  const args = ["rev-list", "--count", `--max-count=${historyMax + 1}`] as const;
  const count = await store.line([...args, `${head}...${target}`]);
  return Number(count) > historyMax;
}

/**
 * Paths of the template that no commit of the change touches but those that are ported. None
 * where not all commits are known: any of the others may touch any path.
 */
export function portedPaths({ commits, isCut }: RangeCommits, { ported }: Ancestry): Set<string> {
  if (isCut) return new Set();
  const all = new Set(commits.flatMap(({ paths }) => paths));
  for (const { id, paths } of commits) {
    if (!ported.has(id)) for (const path of paths) all.delete(path);
  }
  return all;
}

function linesOf(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}

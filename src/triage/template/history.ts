import { TEMPLATE_LIMITS } from "../facts/limits.ts";
import type { JoinedStore } from "./joined-store.ts";
import type { OwnChanges } from "./sync-facts.ts";

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

/** One commit of a change. */
export type RangeCommit = {
  readonly id: string;
  readonly message: string;
  /** Paths that it touches; of a merge those that are like none of its parents. */
  readonly paths: readonly string[];
};

type RangeCommits = { readonly commits: readonly RangeCommit[]; readonly isCut: boolean };

/**
 * The commits that lead from base to head, the newest first. A base that is no commit, but
 * the empty tree, leaves head alone.
 */
export async function rangeCommits(
  store: JoinedStore,
  { base, head }: { readonly base: string; readonly head: string },
): Promise<RangeCommits> {
  const { commitsMax } = TEMPLATE_LIMITS;
  const walk = (await isCommit(store, base)) ? [] : ["--no-walk"];
  const since = walk.length === 0 ? [`^${base}`] : [];
  const { stdout, isCut } = await store.run(
    [
      "log",
      "-z",
      "-c",
      "--name-only",
      "--no-renames",
      "--no-color",
      "--no-show-signature",
      `--max-count=${commitsMax + 1}`,
      `--format=${RECORD}%H${FIELD}%B${FIELD}`,
      ...walk,
      "--end-of-options",
      head,
      ...since,
      "--",
    ],
    { overflow: "cut", bytesMax: 16_000_000 },
  );
  const found = stdout.toString("utf8").split("\u0001").slice(1).map(commitIn);
  return { commits: found.slice(0, commitsMax), isCut: isCut || found.length > commitsMax };
}

/** Characters that stand in no name of a file that people use. */
const RECORD = "%x01";
const FIELD = "%x02";

function commitIn(record: string): RangeCommit {
  const [id = "", message = "", paths = ""] = record.split("\u0002");
  return {
    id,
    message: message.slice(0, 20_000),
    paths: paths
      .split("\0")
      .map((path) => path.replace(/^\n/, ""))
      .filter((path) => path !== ""),
  };
}

/** Whether an id is that of a commit, and not of the empty tree. */
async function isCommit(store: JoinedStore, id: string): Promise<boolean> {
  const { exitCode } = await store.run(["cat-file", "-e", `${id}^{commit}`], {
    exitCodes: [0, 1, 128],
  });
  return exitCode === 0;
}

type OwnHeads = {
  readonly head: string;
  readonly target: string;
  readonly mergeBase: string | null;
};

const PATHS_MAX = 200;

/**
 * Commits of the derivative on these files that the template has not, neither themselves nor
 * as others with the same patch. Of histories that never met, the first commit is the copy,
 * and none of its own. Null: there are none.
 */
export async function ownChanges(
  store: JoinedStore,
  { head, target, mergeBase }: OwnHeads,
  paths: readonly string[],
): Promise<OwnChanges | null> {
  const some = paths.toSorted().slice(0, PATHS_MAX);
  if (some.length === 0) return null;
  const flags = ["--no-merges", "--cherry-pick", "--right-only", "--min-parents=1"];
  const found = await store.line(
    [
      "rev-list",
      ...flags,
      `--max-count=${TEMPLATE_LIMITS.commitsMax}`,
      "--end-of-options",
      `${head}...${target}`,
      "--",
      ...some.map((path) => `:(literal)${path}`),
    ],
    {},
  );
  const commits = found.split("\n").filter((line) => line !== "");
  const [newest, oldest] = [commits[0], commits.at(-1)];
  if (newest === undefined || oldest === undefined) return null;
  const message = await store.line(["log", "--max-count=1", "--format=%B", newest], {
    overflow: "cut",
    bytesMax: 8_000,
  });
  return {
    baseSha: mergeBase ?? (await store.line(["rev-parse", "--verify", `${oldest}^1`])),
    headSha: target,
    message: message.slice(0, 2_000),
    commits: commits.length,
    paths: some,
  };
}

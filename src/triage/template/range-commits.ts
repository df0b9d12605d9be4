import type { JoinedStore } from "./joined-store.ts";
import { TEMPLATE_LIMITS } from "./template-limits.ts";

/** One commit of a change. */
export type RangeCommit = {
  readonly id: string;
  readonly message: string;
  /** Paths that it touches; of a merge those that are like none of its parents. */
  readonly paths: readonly string[];
};

export type RangeCommits = { readonly commits: readonly RangeCommit[]; readonly isCut: boolean };

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
export async function isCommit(store: JoinedStore, id: string): Promise<boolean> {
  const { exitCode } = await store.run(["cat-file", "-e", `${id}^{commit}`], {
    exitCodes: [0, 1, 128],
  });
  return exitCode === 0;
}

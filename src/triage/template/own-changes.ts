import type { JoinedStore } from "./joined-store.ts";
import type { OwnChanges } from "./sync-facts.ts";
import { TEMPLATE_LIMITS } from "./template-limits.ts";

type Heads = {
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
  { head, target, mergeBase }: Heads,
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

import type { ChangedFile } from "../change-set.ts";
import { readEach } from "../read-each.ts";

type ExplainedFiles = {
  readonly changes: ReadonlyMap<ChangedFile, readonly string[]>;
  readonly degraded: string[];
};

/** Find out in a thread what a change does to each of some files, by key. */
export async function explainAll(
  files: readonly ChangedFile[],
  signal: AbortSignal,
): Promise<ExplainedFiles> {
  const read = await readEach("explain", { shared: undefined, items: files }, { signal });
  const changes = new Map<ChangedFile, readonly string[]>();
  const degraded: string[] = [];
  for (const [place, file] of files.entries()) {
    const one = read[place];
    if (one === undefined) continue;
    if ("value" in one) changes.set(file, one.value.changes);
    const why = "value" in one ? one.value.leftOut : one.leftOut;
    if (why !== null) degraded.push(`${file.path} was left out of what is told by key: ${why}`);
  }
  return { changes, degraded };
}

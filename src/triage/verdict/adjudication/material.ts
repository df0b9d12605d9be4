import { join } from "node:path";
import type { ChangedFile, ChangeSet } from "../../facts/change-set.ts";
import type { Location } from "../../facts/finding.ts";
import { LIMITS } from "../../facts/limits.ts";
import type { TriageResult } from "../../facts/result.ts";
import { Fence } from "../../reading/fence.ts";

/** A piece of a file. Whoever wrote the repository chose its words: it is not trusted. */
export type Excerpt = { readonly path: string; readonly text: string };

/** What a model gets to read beside the findings. */
export type Material = {
  /** Of the change, the most telling first. */
  readonly diffs: readonly Excerpt[];
  /** Of the target, around what the findings hit, or hunks in conflict. */
  readonly snippets: readonly Excerpt[];
  /** What a knowledge base says of the source; no more to be trusted than they are. */
  readonly context?: string;
};

export const NO_MATERIAL: Material = { diffs: [], snippets: [] };

export const MATERIAL_LIMITS = {
  diffsMax: 10,
  diffCharsMax: 1_500,
  snippetsMax: 5,
  snippetCharsMax: 2_000,
} as const;

/** Lines before and after a hit. */
const AROUND = 10;

/**
 * What to show of a change and of the target's tree, by what a result found there. Null where
 * the one or the other is not known.
 */
export function materialFor(
  { evidence }: TriageResult,
  { change, folder }: { change: ChangeSet | null; folder: string | null },
): Material {
  const { findings, diagnostics } = evidence;
  const named = findings.flatMap(({ provider }) => provider?.path ?? []);
  const places = [...findings.flatMap(({ hits }) => hits), ...diagnostics];
  return {
    diffs: diffsOf(change?.files ?? [], named),
    snippets: folder === null ? [] : snippetsAt(folder, places),
  };
}

/** The lines that came and went, those of files that findings name first. */
export function diffsOf(files: readonly ChangedFile[], named: readonly string[]): Excerpt[] {
  const first = new Set(named);
  return files
    .filter(({ added, removed }) => added.length + removed.length > 0)
    .toSorted((left, right) => Number(first.has(right.path)) - Number(first.has(left.path)))
    .slice(0, MATERIAL_LIMITS.diffsMax)
    .map(({ path, added, removed }) => ({
      path,
      text: [...removed.map(({ text }) => `-${text}`), ...added.map(({ text }) => `+${text}`)]
        .join("\n")
        .slice(0, MATERIAL_LIMITS.diffCharsMax),
    }));
}

/** What stands in the tree around these places, but for files that are not there or too large. */
export function snippetsAt(folder: string, places: readonly Location[]): Excerpt[] {
  const byPath = Map.groupBy(places, ({ path }) => path);
  const fence = new Fence([folder], { bytesMax: LIMITS.fileBytesMax });
  const snippets: Excerpt[] = [];
  for (const [path, at] of byPath) {
    if (snippets.length === MATERIAL_LIMITS.snippetsMax) break;
    const text = fence.readFile(join(folder, path));
    if (text !== undefined) snippets.push({ path, text: around(text.split("\n"), at) });
  }
  return snippets;
}

function around(lines: readonly string[], places: readonly Location[]): string {
  const kept = new Set(
    places.flatMap(({ line }) =>
      Array.from({ length: 2 * AROUND + 1 }, (_, at) => line - AROUND + at),
    ),
  );
  return lines
    .map((text, index) => ({ text, line: index + 1 }))
    .filter(({ line }) => kept.has(line))
    .map(({ text, line }) => `${line}: ${text}`)
    .join("\n")
    .slice(0, MATERIAL_LIMITS.snippetCharsMax);
}

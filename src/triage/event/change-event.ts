import { z } from "zod";
import { withoutEnd } from "../../without-end.ts";
import { CHANGE_TYPES, type ChangeType } from "../change-set.ts";
import { packageChange } from "./package-change.ts";

const text = z.string().trim().min(1, { error: "expected some text, got none" }).max(1_000);
/** Absent, null and empty are the same to most producers. */
const optionalText = z
  .string()
  .nullish()
  .transform((given) => (given == null || given.trim() === "" ? null : given.trim()));

const WORDS: Readonly<Record<string, ChangeType>> = {
  a: "added",
  add: "added",
  new: "added",
  created: "added",
  copied: "added",
  c: "added",
  d: "deleted",
  delete: "deleted",
  removed: "deleted",
  r: "renamed",
  rename: "renamed",
  moved: "renamed",
};

/** A producer's word for what happened to a file: `M`, `R100`, `added`. Null: it says none. */
function changeTypeOf(word: unknown): ChangeType | null {
  if (typeof word !== "string" || word.trim() === "") return null;
  const plain = withoutEnd(word.trim().toLowerCase(), "0123456789");
  return CHANGE_TYPES.find((type) => type === plain) ?? WORDS[plain] ?? "modified";
}

/** A file of an event: its path alone, our names, or those of GitHub's API. */
const changedFile = z
  .union([
    z
      .string()
      .min(1)
      .transform((path) => ({ path })),
    z.looseObject({
      path: z.string().nullish(),
      filename: z.string().nullish(),
      file: z.string().nullish(),
      change_type: z.unknown().optional(),
      status: z.unknown().optional(),
      old_path: z.string().nullish(),
      previous_filename: z.string().nullish(),
      diff: z.string().nullish(),
      patch: z.string().nullish(),
    }),
  ])
  .transform((given: Record<string, unknown>, context) => {
    const first = (...keys: string[]): string | null => {
      const value = keys.map((key) => given[key]).find((one) => typeof one === "string");
      return typeof value === "string" && value !== "" ? value : null;
    };
    const path = first("path", "filename", "file");
    if (path === null) {
      context.addIssue({ code: "custom", message: "expected a path" });
      return z.NEVER;
    }
    return {
      ...given,
      path,
      /** Null where the producer says nothing: then the diff decides. */
      change_type: changeTypeOf(given["change_type"] ?? given["status"]),
      old_path: first("old_path", "previous_filename"),
      diff: first("diff", "patch") ?? "",
    };
  });

const words = z
  .array(z.unknown())
  .catch([])
  .transform((given) => given.filter((word) => typeof word === "string"));

/** The files of a change. Null and absent: the event does not say. */
export const changedFiles = z.array(changedFile).nullish();

/**
 * What happened in a repository, as its producer tells it. Producers agree on four keys, and
 * are not asked for more; what is unknown is kept. A sha is a name: not all are hexadecimal.
 */
export const changeEvent = z.looseObject({
  source_repo: text,
  commit_sha: text,
  commit_message: z.string(),
  branch: z.string(),
  changed_files: changedFiles.transform((given) => given ?? []),
  pattern_summary: z
    .looseObject({ patterns: words.prefault([]), keywords: words.prefault([]) })
    .nullish()
    .catch(null)
    .transform((given) => given ?? { patterns: [], keywords: [] }),
  /** The commit before, as of a push. Null, also for the zeros of a new branch: first parent. */
  base_sha: optionalText.transform((sha) => (sha === null || /^0+$/.test(sha) ? null : sha)),
  repo_url: optionalText,
  package: packageChange.nullish(),
});
export type ChangeEvent = z.output<typeof changeEvent>;
export type EventFile = ChangeEvent["changed_files"][number];

import { z } from "zod";
import { displayText, type TriageResult } from "../facts/result.ts";
import type { ConflictHunk, SyncedFile } from "../template/sync-facts.ts";
import { shellWord } from "./shown.ts";

const range = z.object({ start: z.int(), end: z.int() });
const hunk = z.object({ derivative: range, template: range, ours: z.string(), theirs: z.string() });
/** A file as a result tells it, as far as its conflicts go. */
const toldFile = z.looseObject({
  path: z.string(),
  template_path: z.string(),
  hunks: z.array(hunk).default([]),
  rejects: z.string().optional(),
});

/**
 * Where both sides changed the same lines, with the lines of either side between the marks that
 * git writes; of a diff without its repository the hunks of it that do not fit. Null: no
 * conflict.
 */
export function conflictText({ evidence }: TriageResult, charsMax: number): string | null {
  const parts = evidence.files.flatMap((given) => {
    const file = toldFile.safeParse(given).data;
    if (file === undefined) return [];
    return [
      ...file.hunks.map((one) => hunkText(file, one, evidence)),
      ...(file.rejects === undefined
        ? []
        : [`${file.path}, hunks that do not fit:\n${file.rejects}`]),
    ];
  });
  if (parts.length === 0) return null;
  let length = 0;
  const kept = parts.filter((part) => (length += part.length + 1) <= charsMax);
  const left = parts.length - kept.length;
  return [...kept, ...(left > 0 ? [`… and ${left} more`] : [])].join("\n");
}

function asLines(text: string): string {
  return text === "" ? "" : `${text}\n`;
}

function hunkText(
  { path, template_path }: z.output<typeof toldFile>,
  { derivative, template, ours, theirs }: z.output<typeof hunk>,
  { source, target }: Pick<TriageResult["evidence"], "source" | "target">,
): string {
  const from = `${source.repo}@${shortSha(source.head_sha)}`;
  return (
    `<<<<<<< ${target.repo}:${path}:${rangeText(derivative)}\n${asLines(ours)}=======\n` +
    `${asLines(theirs)}>>>>>>> ${from}:${template_path}:${rangeText(template)}\n`
  );
}

/** `3-5`, or `3` for one line and for the place before it. */
export function rangeText({ start, end }: ConflictHunk["derivative"]): string {
  return end > start ? `${start}-${end}` : String(start);
}

const SHA_CHARS = 12;

export function shortSha(sha: string): string {
  return displayText(sha, SHA_CHARS + 8).slice(0, SHA_CHARS);
}

type TemplateCommits = {
  readonly baseSha: string;
  readonly headSha: string;
  /** Where git gets the template from; null where only the worker knows it. */
  readonly fetchFrom: string | null;
};

/** Whether a file has one name, before the change and after it, in both repositories. */
function isInPlace({ path, templatePath, templateBefore = templatePath }: SyncedFile): boolean {
  return path === templatePath && path === templateBefore;
}

/** Files named in one command. */
const FILES_MAX = 20;

/**
 * The commands that bring the conflicts into the work tree of the derivative, with markers where
 * the two sides differ: what fits of a file they leave as it is. Empty where no commit is known.
 */
export function conflictCommands(
  { baseSha, headSha, fetchFrom }: TemplateCommits,
  open: readonly SyncedFile[],
): string[] {
  const files = open.filter(({ disposition, hunks }) => {
    return disposition === "conflicts" && hunks.length > 0;
  });
  if (files.length === 0) return [];
  const kept = files.filter(isInPlace);
  const moved = files.filter((file) => !isInPlace(file));
  const fetch = fetchFrom === null ? [] : [`git fetch ${shellWord(fetchFrom)} ${headSha}`];
  const names = kept.slice(0, FILES_MAX).map(({ path }) => shellWord(path));
  // A name with `*`, `[` or a colon would be a pattern, for other files too.
  const isPattern = kept.some(({ path }) => /^:|[*?[\\]/.test(path));
  const diff = `git ${isPattern ? "--literal-pathspecs " : ""}diff --full-index --binary`;
  const merge = `${diff} ${baseSha} ${headSha} -- ${names.join(" ")} | git apply --3way`;
  return [
    ...fetch,
    ...(kept.length > 0 ? [merge] : []),
    ...moved.slice(0, FILES_MAX).map(({ path, templatePath, templateBefore = templatePath }) => {
      const sides = [`${baseSha}:${templateBefore}`, `${headSha}:${templatePath}`].map(shellWord);
      return (
        `git show ${sides[0]} > old.tmp; git show ${sides[1]} > new.tmp; ` +
        `git merge-file -- ${shellWord(path)} old.tmp new.tmp; rm old.tmp new.tmp`
      );
    }),
  ];
}

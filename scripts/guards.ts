// What counts as a guard of a function in sql/functions, and how it is taken out.

/** One guard of one function, and the text that stands in its place once it is out. */
export type Guard = {
  /** Path of its file in sql/functions. */
  readonly file: string;
  /** Name of its function. */
  readonly of: string;
  readonly line: number;
  readonly kind: string;
  readonly original: string;
  readonly replacement: string;
  /** The whole file, with this guard out. */
  readonly mutated: string;
};

/**
 * The conditions that decide whether, for whom and to which end a task moves; the locks
 * that make two of them exclude each other; and what keeps their plans in bounds.
 */
const CONDITIONS: Record<string, RegExp> = {
  status: /(?:\w+\.)*(?:v_)?status (?:=|<>|in) (?:'[^']*'|\([^)]*\)|[\w.]+)/g,
  attempt: /(?:\w+\.)*attempt_count = (?:coalesce\([^)]*\)|[\w.]+)/g,
  cancel: /(?:\w+\.)*cancel_requested_at is (?:not )?null/g,
  budget: /(?:\w+\.)*(?:failure|rescue)_count \+ 1 >= [\w.]+|p_permanent(?= or)/g,
  lease: /(?:\w+\.)*(?:heartbeat_at|lock_lost_at) (?:<|is) [^\n]+?(?= then| and|\n)/g,
  alive: /(?:\w+\.)*(?:ended_at is null|has_session_lock|kind = 'compat')/g,
  due: /(?:\w+\.)*run_at <= v_now/g,
  lane: /(?:ready|lane|paused)\.\w+ (?:=|<> all) (?:lane\.\w+|\(v_paused_\w+\))/g,
  paused: /paused\.paused_at is not null/g,
  bound: /\(ready\.run_at, ready\.task_id\)\s+> \(.*\)/g,
  key: /(?:\w+\.)*until(?:, '-infinity'\))? (?:>|<=) (?:triaged\.now\(\)|v_now)/g,
  registered: /\(lane\.\w+ in \(select unnest\(v_\w+\)\)\) is true/g,
  batch: /(?:\w+\.)*task_id = any \((?:p_task_ids|v_held)\)/g,
};

const LOCKS: Record<string, RegExp> = {
  lock: /\bfor (?:key share|update)(?: of \w+)?(?: skip locked)?(?=;|\n)/g,
  "skip locked": /(?<=for update) skip locked/g,
  plan: /\nset enable_\w+ to off/g,
  "advisory lock": /perform pg_advisory_xact_lock\([^;]*\);/g,
};

const REPLACEMENTS: Record<string, readonly string[]> = {
  where: ["true"],
  and: ["true"],
  or: ["false"],
  when: ["true", "false"],
  if: ["true", "false"],
  elsif: ["true", "false"],
};

/** Every way to take one guard out of the functions of one file. */
export function findGuards(file: string, text: string): Guard[] {
  const code = blankComments(text);
  const starts = [...code.matchAll(/^create or replace function \w+\.(\w+)/gm)];
  const found: Guard[] = [];
  const add = (kind: string, index: number, original: string, replacement: string) =>
    found.push({
      file,
      of: starts.findLast((start) => start.index < index)?.[1] ?? "",
      line: text.slice(0, index).split("\n").length + (original.startsWith("\n") ? 1 : 0),
      kind,
      original: original.replaceAll(/\s+/g, " ").trim(),
      replacement,
      mutated: text.slice(0, index) + replacement + text.slice(index + original.length),
    });

  for (const [kind, pattern] of Object.entries(CONDITIONS)) {
    for (const { 0: original, index } of code.matchAll(pattern)) {
      for (const replacement of replacementsAfter(code.slice(0, index))) {
        add(kind, index, original, replacement);
      }
    }
  }
  for (const [kind, pattern] of Object.entries(LOCKS)) {
    for (const { 0: original, index } of code.matchAll(pattern)) {
      add(kind, index, original, "");
    }
  }
  return found.toSorted((one, other) => one.line - other.line);
}

/**
 * A condition that only narrows is always true once it is out, one that only widens never
 * is; where two ways part, either may be closed. Anything else is an assignment.
 */
function replacementsAfter(before: string): readonly string[] {
  const word = /\b(where|and|or|when|if|elsif)\s+(?:coalesce\()?$/.exec(before)?.[1];
  return word === undefined ? [] : (REPLACEMENTS[word] ?? []);
}

/** The same text with blanks for comments, so that places stay where they are. */
function blankComments(text: string): string {
  return text.replaceAll(/--.*/g, (comment) => " ".repeat(comment.length));
}

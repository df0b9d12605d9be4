import type { ChangedFile } from "../facts/change-set.ts";
import { type ConcernRules, concernRules, type FileConcern } from "./concerns.ts";
import type { RangeCommit } from "./history.ts";
import { type Intent, intentOf } from "./intent.ts";
import type { TemplateConfig } from "./payload.ts";

/** What a changed file is about, what the change is for, and whether it is wanted. */
export type Assessment = {
  readonly concern: FileConcern;
  readonly intent: Intent;
  readonly skipped: "skipped_divergent" | "skipped_strategy" | null;
};

/** What the files of a change are assessed by: the relationship, and what the commits say. */
export type AssessedBy = {
  readonly config: TemplateConfig;
  readonly texts: { readonly message: string; readonly commits: readonly RangeCommit[] };
};

/** What assesses a file of the change. For a process of its own: see read-files.ts. */
export function assessorOf({
  config,
  texts: { message, commits },
}: AssessedBy): (file: ChangedFile) => Assessment {
  const concernOf: ConcernRules = concernRules(config);
  const messages = messagesByPath(commits);
  return (file) => {
    const concern = concernOf(file);
    const own = [file.path, file.oldPath ?? file.path].flatMap((path) => messages.get(path) ?? []);
    const intent = intentOf(file, own.length === 0 ? [message] : own);
    return { concern, intent, skipped: skippedBy(config.sync_strategy, concern, intent) };
  };
}

/** What repairs a hole is wanted whatever it is about. */
function skippedBy(
  strategy: TemplateConfig["sync_strategy"],
  { kind }: FileConcern,
  intent: Intent,
): Assessment["skipped"] {
  if (intent === "security") return null;
  if (kind === "divergent") return "skipped_divergent";
  if (strategy === "security_only") return "skipped_strategy";
  return strategy === "selective" && kind === "other" ? "skipped_strategy" : null;
}

function messagesByPath(commits: readonly RangeCommit[]): ReadonlyMap<string, readonly string[]> {
  const messages = new Map<string, string[]>();
  for (const { message, paths } of commits) {
    for (const path of paths) {
      const known = messages.get(path);
      if (known === undefined) messages.set(path, [message]);
      else known.push(message);
    }
  }
  return messages;
}

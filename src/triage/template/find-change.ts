import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { PermanentError } from "../../outcome.ts";
import { sha256 } from "../../sha256.ts";
import { canonicalJson } from "../cache-key.ts";
import type { ChangeSet } from "../change-set.ts";
import { changeSetOfEvent } from "../event/event-change-set.ts";
import { standIn } from "../event/stand-in.ts";
import type { Surroundings } from "../prepare/prepared.ts";
import { isGitSha } from "../repository/resolve-commit.ts";
import { type CommitRange, resolveRange } from "../repository/resolve-range.ts";
import { sourcePlace } from "../repository/source-place.ts";
import type { TemplateConfig, TemplateTriagePayload } from "./payload.ts";

/** The change of a template: commits of its repository, or the diffs of an event. */
export type FoundChange =
  | { readonly mode: "git"; readonly range: CommitRange }
  | {
      readonly mode: "payload";
      readonly change: ChangeSet;
      readonly payloadHash: string;
      readonly degraded: readonly string[];
    };

/**
 * Find the change: in the template's repository, or, where that cannot be had, in the diffs of
 * the event. Throws a PermanentError for a repository or a commit that is not there and an
 * event that does not say what changed, a RetryableError for a repository that cannot be
 * reached.
 */
export async function findChange(
  payload: TemplateTriagePayload,
  { repositories, workingDirectory, signal, logger }: Surroundings,
): Promise<FoundChange> {
  const { change_event: event, relationship_config: config } = payload;
  if (!isGitSha(event.commit_sha)) return toldChange(payload, []);
  const source = sourcePlace(payload.source_repo, {
    registered: config.source_clone_url ?? folderUrl(config, workingDirectory),
    told: event.repo_url,
  });
  const request = { source, headSha: event.commit_sha, baseSha: event.base_sha };
  try {
    return { mode: "git", range: await resolveRange(request, repositories, signal) };
  } catch (err) {
    signal.throwIfAborted();
    const degraded = standIn(err, event.changed_files);
    logger.warn({ err, sourceRepo: payload.source_repo }, "source repository not read");
    return toldChange(payload, [degraded]);
  }
}

/** On the way back the relationship's folder is that of the source. */
function folderUrl({ path, direction }: TemplateConfig, workingDirectory: string): string | null {
  const isSource = path !== undefined && direction === "reverse";
  return isSource ? pathToFileURL(resolve(workingDirectory, path)).href : null;
}

function toldChange(
  { change_event: event }: TemplateTriagePayload,
  degraded: readonly string[],
): FoundChange {
  if (event.changed_files.length === 0) {
    throw new PermanentError(
      "expected change_event.changed_files to be the files of the change with their diffs, " +
        "or commit_sha to be a commit of git, got neither",
    );
  }
  const change = changeSetOfEvent(event);
  return { mode: "payload", change, payloadHash: sha256(canonicalJson(event)), degraded };
}

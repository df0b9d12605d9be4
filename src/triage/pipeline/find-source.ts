import { hash } from "node:crypto";
import { PermanentError } from "../../index.ts";
import { canonicalJson } from "../facts/cache-key.ts";
import type { ChangeSet } from "../facts/change-set.ts";
import { changeSetOfEvent, diffFallbackReason } from "../sources/event/event-change-set.ts";
import { changeSetOfRange } from "../sources/git/git-change-set.ts";
import { sourceRepository } from "../sources/git/remote.ts";
import { type CommitRange, isGitSha, resolveRange } from "../sources/git/resolve-commit.ts";
import type { ConsumerTriagePayload } from "./consumer-payload.ts";
import type { Surroundings } from "./prepared.ts";

/** The change of a repository, of which so far no more than its commits is known. */
type Source = {
  readonly mode: ChangeSet["mode"];
  readonly baseSha: string;
  readonly headSha: string;
  readonly payloadHash: string | null;
  /** Null where nothing but the event is known. */
  readonly range: CommitRange | null;
  readonly degraded: readonly string[];
  readonly read: () => Promise<ChangeSet>;
};

/**
 * Find the change: between two commits of the source's repository, or, where that cannot be
 * had, in the diffs of the event. Throws a PermanentError for a repository or a commit that
 * is not there and an event that does not say what changed, a RetryableError for a
 * repository that cannot be reached.
 */
export async function findSource(
  payload: ConsumerTriagePayload,
  surroundings: Surroundings,
): Promise<Source> {
  const { commit_sha: headSha } = payload.change_event;
  if (headSha === undefined || !isGitSha(headSha)) return toldSource(payload, []);
  try {
    return await gitSource(payload, headSha, surroundings);
  } catch (err) {
    surroundings.signal.throwIfAborted();
    const degraded = diffFallbackReason(err, payload.change_event.changed_files ?? []);
    surroundings.logger.warn(
      { err, sourceRepo: payload.source_repo },
      "source repository not read",
    );
    return toldSource(payload, [degraded]);
  }
}

async function gitSource(
  { source_repo, change_event, relationship_config }: ConsumerTriagePayload,
  headSha: string,
  { repositories, signal }: Surroundings,
): Promise<Source> {
  const source = sourceRepository(source_repo, {
    registered: relationship_config.source_clone_url,
    told: change_event.repo_url,
  });
  const request = { source, headSha, baseSha: change_event.base_sha };
  const range = await resolveRange(request, repositories, signal);
  return {
    mode: "git",
    baseSha: range.base,
    headSha: range.head,
    payloadHash: null,
    range,
    degraded: [],
    read: () => changeSetOfRange(range.mirror, range, repositories, { signal }),
  };
}

function toldSource(
  { change_event: event }: ConsumerTriagePayload,
  degraded: readonly string[],
): Source {
  if (event.changed_files == null) {
    throw new PermanentError(
      "expected change_event.changed_files to be the files of the change with their diffs, " +
        "or commit_sha to be a commit of git, or change_event.package to be {name, from, to}, " +
        "got none of them",
    );
  }
  const change = changeSetOfEvent({
    base_sha: event.base_sha,
    commit_sha: event.commit_sha ?? "",
    commit_message: event.commit_message ?? "",
    changed_files: event.changed_files,
  });
  return {
    mode: "payload",
    baseSha: change.baseSha,
    headSha: change.headSha,
    payloadHash: hash("sha256", canonicalJson(change)),
    range: null,
    degraded,
    read: () => Promise.resolve(change),
  };
}

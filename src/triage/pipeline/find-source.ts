import { hash } from "node:crypto";
import { PermanentError } from "../../index.ts";
import { canonicalJson } from "../facts/cache-key.ts";
import type { ChangeSet } from "../facts/change-set.ts";
import { changeSetOfEvent, diffFallbackReason } from "../sources/event/event-change-set.ts";
import { changeSetOfRange } from "../sources/git/git-change-set.ts";
import { type RepositoryReference, sourceRepository } from "../sources/git/remote.ts";
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
  const { source_repo, change_event: event, relationship_config } = payload;
  const found = await findRange(
    {
      repo: source_repo,
      registered: relationship_config.source_clone_url,
      event: { ...event, changed_files: event.changed_files ?? [] },
    },
    surroundings,
  );
  if (found.range === null) return eventSource(payload, found.degraded);
  const { range } = found;
  const { repositories, signal } = surroundings;
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

/** A repository, and what an event says of a change of it. */
type AnnouncedChange = {
  readonly repo: string;
  /** The address that the repository is registered with. */
  readonly registered: string | null | undefined;
  readonly event: {
    readonly commit_sha?: string | undefined;
    readonly base_sha?: string | null;
    readonly repo_url?: string | null;
    readonly changed_files: Parameters<typeof diffFallbackReason>[1];
  };
};

/** Without commits both are null. */
type FoundRange = {
  readonly range: CommitRange | null;
  readonly source: RepositoryReference | null;
  readonly degraded: readonly string[];
};

const NO_COMMITS: FoundRange = { range: null, source: null, degraded: [] };

/**
 * The commits of a change; null where the event has none, and where their repository cannot be
 * had and the event's diffs stand for it, which `degraded` says.
 */
export async function findRange(
  { repo, registered, event }: AnnouncedChange,
  { repositories, signal, logger }: Surroundings,
): Promise<FoundRange> {
  const { commit_sha: headSha, base_sha: baseSha, repo_url, changed_files } = event;
  if (headSha === undefined || !isGitSha(headSha)) return NO_COMMITS;
  try {
    const source = sourceRepository(repo, { registered, told: repo_url ?? null });
    const range = await resolveRange(
      { source, headSha, baseSha: baseSha ?? null },
      repositories,
      signal,
    );
    return { range, source, degraded: [] };
  } catch (err) {
    signal.throwIfAborted();
    const degraded = diffFallbackReason(err, changed_files);
    logger.warn({ err, sourceRepo: repo }, "source repository not read");
    return { ...NO_COMMITS, degraded: [degraded] };
  }
}

function eventSource(
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

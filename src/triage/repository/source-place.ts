import type { RepositoryPlace } from "./remote.ts";

type CloneUrls = {
  /** What an operator has registered. It wins. */
  readonly registered: string | null | undefined;
  /** What the producer of an event says. */
  readonly told: string | null | undefined;
};

/** Where to get the repository that changed; without any URL it is below GITHUB_CLONE_BASE. */
export function sourcePlace(repo: string, { registered, told }: CloneUrls): RepositoryPlace {
  return { repo, cloneUrl: registered ?? told ?? null };
}

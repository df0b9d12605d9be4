import { namedTriggers } from "./change/named-triggers.ts";
import type { Trigger } from "./finding.ts";
import type { NpmPayload } from "./npm-request.ts";
import type { ConsumerTriagePayload } from "./payload.ts";

/** What changed, as a result tells it. */
export type ChangedSource = {
  readonly mode: "git" | "npm" | "payload";
  /** The package, or the repository of a service. */
  readonly name: string;
  /** What happened, for people: `p-retry 6.2.1 → 7.1.1`. */
  readonly change: string;
  /** How people can see for themselves. */
  readonly verify: string;
  readonly baseSha: string;
  readonly headSha: string;
  /** Concerns that the producer of the event names; they decide nothing. */
  readonly named: readonly Trigger[];
  /** sha256 of what the shas do not stand for; null if they stand for all of it. */
  readonly payloadHash: string | null;
};

/** A published version never changes, so that its name stands for its content. */
export function packageSource({ change_event }: NpmPayload): ChangedSource {
  const { name, from, to } = change_event.package;
  return {
    mode: "npm",
    name,
    change: `${name} ${from} → ${to}`,
    verify: `npm install ${name}@${to} && npx tsc --noEmit`,
    baseSha: `npm:${name}@${from}`,
    headSha: `npm:${name}@${to}`,
    named: [],
    payloadHash: null,
  };
}

type Commits = Pick<ChangedSource, "baseSha" | "headSha" | "payloadHash"> & {
  readonly mode: "git" | "payload";
};

/** A commit of a repository. */
export function repositorySource(payload: ConsumerTriagePayload, found: Commits): ChangedSource {
  const { mode, baseSha, headSha, payloadHash } = found;
  const name = payload.source_repo;
  const commit = headSha === "" ? name : `${name}@${headSha.slice(0, SHA_CHARS)}`;
  return {
    mode,
    name,
    change: commit,
    verify: `run the tests of ${payload.target_repo} against ${commit}`,
    baseSha,
    headSha,
    named: namedTriggers(payload.change_event.pattern_summary),
    payloadHash,
  };
}

/** As git abbreviates, with room for large repositories. */
const SHA_CHARS = 12;

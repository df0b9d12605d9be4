import { hash } from "node:crypto";

/** What decides a verdict, beside the rules: known before anything is analysed. */
export type KeyInputs = {
  readonly sourceRepo: string;
  /** Commits, or `npm:name@version`, or what the producer of the event called them. */
  readonly baseSha: string;
  readonly headSha: string;
  readonly targetRepo: string;
  /** The target's commit, or the hash of its folder; "" where nobody knows the target. */
  readonly targetSha: string;
  readonly relationshipType: string;
  /** Of the whole relationship_config. */
  readonly configHash: string;
  /** Of what the shas do not stand for: the diffs of an event, a package's folders. Else null. */
  readonly payloadHash: string | null;
};

/** Who judges by the inputs. */
export type Judge = {
  readonly handler: string;
  readonly version: string;
  /** Model and version of the prompt, or "none". */
  readonly adjudicator: string;
  /** What a person has answered; null: nobody was asked. */
  readonly decision: string | null;
  /** Of the context that a model gets to read; null: none, or no model. @default null */
  readonly contextHash?: string | null;
};

/** The digest of a relationship's configuration, whatever the order of its keys. */
export function configHashOf(config: Readonly<Record<string, unknown>>): string {
  return hash("sha256", canonicalJson(config));
}

/** The key under which the verdict on these inputs can be found again. */
export function verdictKey(inputs: KeyInputs, judge: Judge): string {
  return cacheKey({
    v: 1,
    handler: judge.handler,
    version: judge.version,
    source_repo: inputs.sourceRepo,
    base_sha: inputs.baseSha,
    head_sha: inputs.headSha,
    target_repo: inputs.targetRepo,
    target_sha: inputs.targetSha,
    relationship_type: inputs.relationshipType,
    config_hash: inputs.configHash,
    adjudicator: judge.adjudicator,
    decision: judge.decision,
    ...((judge.contextHash ?? null) === null ? {} : { context_hash: judge.contextHash }),
    ...(inputs.payloadHash === null ? {} : { payload_hash: inputs.payloadHash }),
  });
}

/**
 * The key under which a verdict can be found again: sha256 of every input that decides it,
 * as JSON with sorted keys.
 */
export function cacheKey(inputs: Readonly<Record<string, unknown>>): string {
  return hash("sha256", canonicalJson(inputs));
}

/** A dedupe key of some parts: hashed, because names of repositories may be longer than a key. */
export function dedupeKeyOf(parts: readonly unknown[]): string {
  return hash("sha256", JSON.stringify(parts));
}

/**
 * Milliseconds for which the key of a task that another task has enqueued is held. Such a task may
 * end before its event is told again: by a second delivery, or because its parent is tried again.
 * It must not be made again then. Longer than final tasks are kept by default.
 */
export const CHILD_KEY_HELD_MS = 30 * 86_400_000;

/**
 * JSON in which the order of keys does not depend on who built the value. It is compared, and not
 * read again: an integer that a number would round stands as the text of one.
 */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner === "bigint") return { integer: inner.toString() };
    return typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(
          Object.entries(inner).toSorted(([left], [right]) => (left < right ? -1 : 1)),
        )
      : inner;
  });
}

/** What a task wants done outside of the database, once it is settled. */

/**
 * The same as the constraint effects_kind_known of sql/migrations has, and no list to add to from
 * outside: a kind that the database refuses would fail the whole group of settles that it is in.
 * `digest` is not sent by itself: now and then what waits becomes one issue for each target.
 */
export const EFFECT_KINDS = [
  "github_issue",
  "webhook",
  "push",
  "digest",
  "context_sink",
  "alert",
] as const;
export type EffectKind = (typeof EFFECT_KINDS)[number];

export const EFFECT_STATUSES = ["pending", "delivered", "failed", "skipped"] as const;
export type EffectStatus = (typeof EFFECT_STATUSES)[number];

/** Of one attempt. */
export const EFFECT_LIMITS = {
  countMax: 20,
  /** Characters of a key, as sql/migrations has it. */
  keyMax: 200,
  /** Bytes of all payloads together, as JSON. */
  bytesMax: 1_048_576,
} as const;

export type Effect = {
  readonly kind: EffectKind;
  /** Of all effects with the same key, over all tasks, the first counts. */
  readonly key: string;
  /** What the delivery of its kind takes. */
  readonly payload: Readonly<Record<string, unknown>>;
};

/** Effects page by page, for people: no read grows with the table. */
import type { EffectKind, EffectStatus } from "../model/effect.ts";
import type { Database } from "./database.ts";
import { EFFECT_COLUMNS } from "./outbox.ts";
import { ListedEffect } from "./rows.ts";

/** Effects that one page looks at, where a filter passes over most of them. */
export const EFFECTS_LOOKED_MAX = 20_000;

export type EffectsPage = {
  readonly rows: readonly ListedEffect[];
  /** `after` of the next page; null behind the last. */
  readonly next: string | null;
  /** How many were looked at, where older ones may match as well; null where all were. */
  readonly looked: number | null;
};

/** Effects, the newest first, behind the effect `after`. */
export async function effectsPageOf(
  db: Database,
  filter: {
    readonly status?: EffectStatus | undefined;
    readonly kind?: EffectKind | undefined;
    readonly after?: string | undefined;
    readonly limit: number;
  },
): Promise<EffectsPage> {
  const { status, kind, after = null, limit } = filter;
  // Bounded before it is filtered: a status that none has costs no more than one that all have.
  const end = await lookedUntil(db, after);
  const found = await db.query({
    text: `select ${EFFECT_COLUMNS}
           from triaged.effects
           where ($1::text is null or status = $1)
             and ($2::text is null or kind = $2)
             and ($3::bigint is null or effect_id < $3)
             and effect_id >= $4
           order by effect_id desc
           limit $5`,
    values: [status ?? null, kind ?? null, after, end ?? 0, limit],
  });
  const rows = found.map((row) => ListedEffect.parse(row));
  return rows.length === limit
    ? { rows, next: rows.at(-1)?.effect_id ?? null, looked: null }
    : { rows, next: end, looked: end === null ? null : EFFECTS_LOOKED_MAX };
}

/** The last effect that a page behind `after` looks at; null where that is all of them. */
async function lookedUntil(db: Database, after: string | null): Promise<string | null> {
  const [row] = await db.query({
    text: `select effect_id from triaged.effects
           where $1::bigint is null or effect_id < $1
           order by effect_id desc offset $2 limit 1`,
    values: [after, EFFECTS_LOOKED_MAX - 1],
  });
  const id = row?.["effect_id"];
  return typeof id === "string" ? id : null;
}

/** What the pages of triage ask of the database, beside store.ts: relationships page by page. */
import { z } from "zod";
import { type Database, IsoTime, isoTime, parseExactly } from "../index.ts";
import { RELATIONSHIP_TYPES } from "./store.ts";

const LastVerdict = z.object({
  requires_action: z.boolean(),
  urgency: z.string(),
  confidence: z.number(),
  impact_summary: z.string(),
  created_at: z.iso.datetime({ offset: true }).transform((text) => new Date(text)),
});

const Edge = z.object({
  source_repo: z.string(),
  target_repo: z.string(),
  relationship_type: z.enum(RELATIONSHIP_TYPES),
  /** As it was saved; numbers as they were written. */
  config: z
    .string()
    .transform((text) => parseExactly(text, { decimals: "kept" }))
    .pipe(z.record(z.string(), z.unknown())),
  updated_at: IsoTime,
  /** The newest that the cache has; null: none, or it is older than the cache keeps. */
  verdict: LastVerdict.nullable(),
});
/** A relationship, and what the last change came to for it. */
export type Edge = z.output<typeof Edge>;

/** Where a page of relationships ends. */
export type EdgePlace = Pick<Edge, "source_repo" | "target_repo" | "relationship_type">;

/**
 * Relationships by the names of their repositories, at most `limit`: those that `repo` is a side of,
 * or all behind a place.
 */
export async function listEdges(
  db: Database,
  filter: {
    readonly repo: string | null;
    readonly after: EdgePlace | null;
    readonly limit: number;
  },
): Promise<Edge[]> {
  const { repo, after, limit } = filter;
  const rows = await db.query({
    text: `select
             edge.source_repo, edge.target_repo, edge.relationship_type,
             (edge.relationship_config
               - '{relationship_type, source_clone_url, target_clone_url}'::text[])::text as config,
             ${isoTime("edge.updated_at", "updated_at")},
             (
               select jsonb_build_object(
                 'requires_action', cached.requires_action, 'urgency', cached.urgency,
                 'confidence', cached.confidence, 'impact_summary', cached.impact_summary,
                 'created_at', cached.created_at
               )
               from triaged.triage_results_cache as cached
               where cached.source_repo = edge.source_repo
                 and cached.target_repo = edge.target_repo
                 and cached.relationship_type = edge.relationship_type
               order by cached.created_at desc
               limit 1
             ) as verdict
           from triaged.relationships as edge
           where ($1::text is null or $1 in (edge.source_repo, edge.target_repo))
             and ($2::text is null
               or (edge.source_repo, edge.target_repo, edge.relationship_type) > ($2, $3, $4))
           order by edge.source_repo, edge.target_repo, edge.relationship_type
           limit $5`,
    values: [
      repo,
      after?.source_repo ?? null,
      after?.target_repo ?? null,
      after?.relationship_type ?? null,
      limit,
    ],
  });
  return rows.map((row) => Edge.parse(row));
}

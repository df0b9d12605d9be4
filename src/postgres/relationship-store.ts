import { z } from "zod";
import { toJson } from "../json.ts";
import type { Database } from "./database.ts";

const Outcome = z.object({ outcome: z.enum(["created", "changed", "unchanged"]) });
export type SaveOutcome = z.output<typeof Outcome>["outcome"];

export const RELATIONSHIP_TYPES = ["api_consumer", "template_fork"] as const;
export type RelationshipType = (typeof RELATIONSHIP_TYPES)[number];

type Json = Readonly<Record<string, unknown>>;

/** Null leaves the type as it is; metadata is merged by its keys. */
export async function saveRepository(
  db: Database,
  repository: {
    readonly repoName: string;
    readonly repoType?: string | null;
    readonly metadata?: Json;
  },
): Promise<SaveOutcome> {
  const { repoName, repoType = null, metadata = {} } = repository;
  const [row] = await db.query({
    text: "select triaged.save_repository($1, $2, $3::jsonb) as outcome",
    values: [repoName, repoType, toJson(metadata)],
  });
  return Outcome.parse(row).outcome;
}

/** Which of these repositories are registered. */
export async function knownAmong(db: Database, names: readonly string[]): Promise<string[]> {
  const rows = await db.query<{ repo_name: string }>({
    text: "select repo_name from triaged.repositories where repo_name = any ($1::text[])",
    values: [names],
  });
  return rows.map((row) => row.repo_name);
}

/** Throws 22023 and TR003 for what cannot be a relationship. */
export async function saveRelationship(
  db: Database,
  relationship: {
    readonly sourceRepo: string;
    readonly targetRepo: string;
    readonly relationshipType: RelationshipType;
    readonly config: Json;
  },
): Promise<SaveOutcome> {
  const { sourceRepo, targetRepo, relationshipType, config } = relationship;
  const [row] = await db.query({
    text: "select triaged.save_relationship($1, $2, $3, $4::jsonb) as outcome",
    values: [sourceRepo, targetRepo, relationshipType, toJson(config)],
  });
  return Outcome.parse(row).outcome;
}

export async function isRelated(
  db: Database,
  relationship: {
    readonly sourceRepo: string;
    readonly targetRepo: string;
    readonly relationshipType: RelationshipType;
  },
): Promise<boolean> {
  const { sourceRepo, targetRepo, relationshipType } = relationship;
  const rows = await db.query({
    text: `select from triaged.relationships
           where source_repo = $1 and target_repo = $2 and relationship_type = $3`,
    values: [sourceRepo, targetRepo, relationshipType],
  });
  return rows.length > 0;
}

/** How many there were: of one type, or of both. */
export async function removeRelationship(
  db: Database,
  pair: {
    readonly sourceRepo: string;
    readonly targetRepo: string;
    readonly relationshipType: RelationshipType | null;
  },
): Promise<number> {
  const [row] = await db.query({
    text: "select triaged.remove_relationship($1, $2, $3) as count",
    values: [pair.sourceRepo, pair.targetRepo, pair.relationshipType],
  });
  return z.object({ count: z.int() }).parse(row).count;
}

const Relationship = z.object({
  source_repo: z.string(),
  target_repo: z.string(),
  relationship_type: z.enum(RELATIONSHIP_TYPES),
  relationship_config: z.record(z.string(), z.unknown()),
  created_at: z.date(),
  updated_at: z.date(),
});
export type Relationship = z.output<typeof Relationship>;

/** By the names of the repositories; those that `repo` is a side of, where it is given. */
export async function listRelationships(
  db: Database,
  filter: {
    readonly repo: string | null;
    readonly type: RelationshipType | null;
    readonly limit: number;
  },
): Promise<Relationship[]> {
  const rows = await db.query({
    text: `select ${Object.keys(Relationship.shape).join(", ")}
           from triaged.relationships
           where ($1::text is null or $1 in (source_repo, target_repo))
             and ($2::text is null or relationship_type = $2)
           order by source_repo, target_repo, relationship_type
           limit $3`,
    values: [filter.repo, filter.type, filter.limit],
  });
  return rows.map((row) => Relationship.parse(row));
}

/** The names of the repositories that are registered, at most `limit`. */
export async function repositoryNames(db: Database, limit: number): Promise<string[]> {
  const rows = await db.query({
    text: "select repo_name from triaged.repositories order by repo_name limit $1",
    values: [limit],
  });
  return rows.map((row) => z.object({ repo_name: z.string() }).parse(row).repo_name);
}

import { z } from "zod";
import { toJson } from "../json.ts";
import { columnsOf, type Database, IsoTime } from "./database.ts";

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
  created_at: IsoTime,
  updated_at: IsoTime,
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
    text: `select ${columnsOf(Relationship.shape)}
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

/** The registered names that differ from these in case at most, at most `limit`. */
export async function namesLike(
  db: Database,
  names: readonly string[],
  limit: number,
): Promise<string[]> {
  const rows = await db.query({
    text: `select repo_name from triaged.repositories
           where lower(repo_name) = any ($1::text[]) order by repo_name limit $2`,
    values: [names.map((name) => name.toLowerCase()), limit],
  });
  return rows.map((row) => z.object({ repo_name: z.string() }).parse(row).repo_name);
}

/** What a file of relationships says beside the relationships. */
export const SETTINGS_NAMES = ["notifications", "file"] as const;
export type SettingsName = (typeof SETTINGS_NAMES)[number];

/** It takes the place of what was there. Throws 22023 and TR003 for what cannot be settings. */
export async function saveRelationshipSettings(
  db: Database,
  name: SettingsName,
  settings: Json,
): Promise<SaveOutcome> {
  const [row] = await db.query({
    text: "select triaged.save_relationship_settings($1, $2::jsonb) as outcome",
    values: [name, JSON.stringify(settings)],
  });
  return Outcome.parse(row).outcome;
}

const Settings = z.object({ settings: z.record(z.string(), z.unknown()) });

/** Null: nobody has saved any. */
export async function readRelationshipSettings(
  db: Database,
  name: SettingsName,
): Promise<Json | null> {
  const [row] = await db.query({
    text: "select settings from triaged.relationship_settings where name = $1",
    values: [name],
  });
  return row === undefined ? null : Settings.parse(row).settings;
}

const RegisteredRepository = z.object({
  repo_name: z.string(),
  repo_type: z.string(),
  metadata: z.record(z.string(), z.unknown()),
});
const RegisteredRelationship = z.object({
  source_repo: z.string(),
  target_repo: z.string(),
  relationship_type: z.enum(RELATIONSHIP_TYPES),
  /** What was saved: without what the view adds for tasks. */
  config: z.record(z.string(), z.unknown()),
});

/** All that is registered, in the order in which it was. */
export type Registered = {
  readonly repositories: readonly z.output<typeof RegisteredRepository>[];
  readonly relationships: readonly z.output<typeof RegisteredRelationship>[];
};

/** How many bytes all of it has, about. */
export async function registeredBytes(db: Database): Promise<number> {
  const [row] = await db.query({
    text: `select (
             (select coalesce(sum(octet_length(metadata::text) + 300), 0)
              from triaged.repositories)
             + (select coalesce(sum(octet_length(relationship_config::text) + 300), 0)
                from triaged.relationships)
           )::double precision as bytes`,
  });
  return z.object({ bytes: z.number() }).parse(row).bytes;
}

/** Read all of it; see registeredBytes. */
export async function readRegistered(db: Database): Promise<Registered> {
  const repositories = await db.query({
    text: "select repo_name, repo_type, metadata from triaged.repositories order by id",
  });
  const relationships = await db.query({
    text: `select
             told.source_repo,
             told.target_repo,
             told.relationship_type,
             told.relationship_config
               - '{relationship_type, source_clone_url, target_clone_url}'::text[] as config
           from triaged.dependency_relationships as known
           join triaged.repositories as source on source.id = known.source_repo_id
           join triaged.repositories as target on target.id = known.target_repo_id
           join triaged.relationships as told
             on told.source_repo = source.repo_name
             and told.target_repo = target.repo_name
             and told.relationship_type = known.relationship_type
           order by known.id`,
  });
  return {
    repositories: repositories.map((row) => RegisteredRepository.parse(row)),
    relationships: relationships.map((row) => RegisteredRelationship.parse(row)),
  };
}

/** When the digest goes out, null where nobody has said; and the time of the database. */
export async function readDigestSchedule(
  db: Database,
): Promise<{ schedule: string | null; now: Date }> {
  const [row] = await db.query({
    text: `select triaged.now() as now, (
             select settings ->> 'digest_schedule'
             from triaged.relationship_settings where name = 'notifications'
           ) as schedule`,
  });
  return z.object({ now: z.date(), schedule: z.string().nullable() }).parse(row);
}

/**
 * All that triage asks of the database: what the queue's functions do not say of its tasks, its
 * notifications and digests, its relationships with their settings, and the cache of its verdicts.
 * Times are dates, ids decimal text. What the database refuses is thrown as it comes.
 */
import { z } from "zod";
import {
  columnsOf,
  type Database,
  type Enqueued,
  EnqueuedRow,
  type EnqueueOptions,
  type HandlerContext,
  IsoTime,
  isoTime,
  parseExactly,
  toJson,
} from "../index.ts";

/** The one `value` of a statement that always has a row. */
async function ask<Type extends z.ZodType>(
  db: Database,
  type: Type,
  text: string,
  values: readonly unknown[] = [],
): Promise<z.output<Type>> {
  const [row] = await db.query({ text, values });
  return type.parse(row?.["value"]);
}

/**
 * The task that a producer means: by our number, by the id that it gave the task, or by the key
 * that the task holds.
 */
export async function findTaskId(db: Database, id: string): Promise<string | null> {
  return await ask(db, z.string().nullable(), "select triaged.task_id_of($1) as value", [id]);
}

const StatusRow = z.object({
  task_id: z.string(),
  status: z.string(),
  skill_name: z.string(),
  task_type: z.string(),
  source_repo: z.string().nullable(),
  target_repo: z.string().nullable(),
  created_at: IsoTime,
  started_at: IsoTime.nullable(),
  ended_at: IsoTime.nullable(),
  result: z.unknown(),
  error: z.string().nullable(),
  worker_id: z.string().nullable(),
  attempt_count: z.int(),
});
type StatusRow = z.output<typeof StatusRow>;

/** A task under the names of the older system, or null. Of any type, not of triage alone. */
export async function triageStatus(db: Database, taskId: string): Promise<StatusRow | null> {
  const [row] = await db.query({
    text: `select
             task.task_id, task.status,
             coalesce(task.metadata ->> 'skill_name', 'trigger_' || task.task_type) as skill_name,
             task.task_type, task.payload ->> 'source_repo' as source_repo,
             task.payload ->> 'target_repo' as target_repo,
             ${isoTime("task.created_at", "created_at")},
             ${isoTime("task.started_at", "started_at")},
             ${isoTime("task.ended_at", "ended_at")}, task.result, task.error, worker.name as worker_id,
             task.attempt_count
           from triaged.tasks as task
           left join triaged.workers as worker using (worker_id)
           where task.task_id = $1`,
    values: [taskId],
  });
  return row === undefined ? null : StatusRow.parse(row);
}

const QueueCounts = z.object({
  status_counts: z.record(z.string(), z.number()),
  /** Created in the last 24 hours. */
  type_counts: z.record(z.string(), z.number()),
  /** Of tasks created in the last 24 hours that finished. */
  avg_duration_seconds: z.number().nullable(),
});
type QueueCounts = z.output<typeof QueueCounts>;

/** Counts every task that is kept: a report, not something to poll. */
export async function queueCounts(db: Database): Promise<QueueCounts> {
  const [row] = await db.query({
    text: `with recent as (
             select task_type, status, ended_at - started_at as duration
             from triaged.tasks
             where created_at > triaged.now() - interval '24 hours'
           )
           select
             (select coalesce(jsonb_object_agg(status, count), '{}')
              from (select status, count(*) from triaged.tasks group by status) as counts
             ) as status_counts,
             (select coalesce(jsonb_object_agg(task_type, count), '{}')
              from (select task_type, count(*) from recent group by task_type) as counts
             ) as type_counts,
             (select extract(epoch from avg(duration))::double precision
              from recent where status = 'finished'
             ) as avg_duration_seconds`,
  });
  return QueueCounts.parse(row);
}

/** Retention at once. Needs the rights of the owner. Returns how many tasks were dropped. */
export async function cleanupOldTasks(db: Database, days: number | null): Promise<number> {
  const [row] = await db.query({
    text: "select triaged.drop_old_tasks($1) as dropped, triaged.expire_verdicts()",
    values: [days],
  });
  return z.object({ dropped: z.coerce.number() }).parse(row).dropped;
}

/** Tell of a change; `event` is JSON text. The same one within 24 hours is a duplicate. */
export async function notifyChange(
  db: Database,
  event: string,
  { queue = "default", priority = "medium" }: Pick<EnqueueOptions, "queue" | "priority"> = {},
): Promise<Enqueued> {
  const [row] = await db.query({
    text: `select task_id, outcome
           from triaged.notify_change($1::jsonb, queue => $2, priority => $3::text)`,
    values: [event, queue, priority],
  });
  return EnqueuedRow.parse(row);
}

/** Make one issue a target of the digest rows that wait for so long. Resolves to how many. */
export async function gatherDigest(db: Database, given: { waitedMs: number }): Promise<number> {
  return await ask(db, z.int(), "select triaged.gather_digest($1) as value", [given.waitedMs]);
}

/**
 * Delete expired verdicts, and the records of attempts that worked one out and hold their task no
 * more; at most `rowsMax` of each. Resolves to how many verdicts were deleted. Needs the owner.
 */
export async function expireVerdicts(db: Database, given: { rowsMax: number }): Promise<number> {
  return await ask(db, z.int(), "select triaged.expire_verdicts($1) as value", [given.rowsMax]);
}

const SaveOutcome = z.enum(["created", "changed", "unchanged"]);
export type SaveOutcome = z.output<typeof SaveOutcome>;

export const RELATIONSHIP_TYPES = ["api_consumer", "template_fork"] as const;
type RelationshipType = (typeof RELATIONSHIP_TYPES)[number];

/** Two repositories, and how the target depends on the source. */
type Pair<Type = RelationshipType> = {
  readonly sourceRepo: string;
  readonly targetRepo: string;
  readonly relationshipType: Type;
};

type Json = Readonly<Record<string, unknown>>;

/** An object, read as text: the driver rounds its numbers. For toJson to write again. */
const ExactObject = z
  .string()
  .transform((text) => parseExactly(text, { decimals: "kept" }))
  .pipe(z.record(z.string(), z.unknown()));

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
  const text = "select triaged.save_repository($1, $2, $3::jsonb) as value";
  return await ask(db, SaveOutcome, text, [repoName, repoType, toJson(metadata)]);
}

/** Throws 22023 and TR003 for what cannot be a relationship. */
export async function saveRelationship(
  db: Database,
  relationship: Pair & { readonly config: Json },
): Promise<SaveOutcome> {
  const { sourceRepo, targetRepo, relationshipType, config } = relationship;
  const values = [sourceRepo, targetRepo, relationshipType, toJson(config)];
  const text = "select triaged.save_relationship($1, $2, $3, $4::jsonb) as value";
  return await ask(db, SaveOutcome, text, values);
}

export async function isRelated(
  db: Database,
  { sourceRepo, targetRepo, relationshipType }: Pair,
): Promise<boolean> {
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
  { sourceRepo, targetRepo, relationshipType }: Pair<RelationshipType | null>,
): Promise<number> {
  const text = "select triaged.remove_relationship($1, $2, $3) as value";
  return await ask(db, z.int(), text, [sourceRepo, targetRepo, relationshipType]);
}

const Relationship = z.object({
  source_repo: z.string(),
  target_repo: z.string(),
  relationship_type: z.enum(RELATIONSHIP_TYPES),
  relationship_config: ExactObject,
  created_at: IsoTime,
  updated_at: IsoTime,
});
type Relationship = z.output<typeof Relationship>;

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
    text: `select ${columnsOf(Relationship.omit({ relationship_config: true }).shape)},
             relationship_config::text
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
  return rows.map(nameIn);
}

function nameIn(row: unknown): string {
  return z.object({ repo_name: z.string() }).parse(row).repo_name;
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
  return rows.map(nameIn);
}

/** What a file of relationships says beside the relationships. */
type SettingsName = "notifications" | "file";

/** It takes the place of what was there. Throws 22023 and TR003 for what cannot be settings. */
export async function saveRelationshipSettings(
  db: Database,
  name: SettingsName,
  settings: Json,
): Promise<SaveOutcome> {
  const text = "select triaged.save_relationship_settings($1, $2::jsonb) as value";
  return await ask(db, SaveOutcome, text, [name, toJson(settings)]);
}

/** Null: nobody has saved any. */
export async function readRelationshipSettings(
  db: Database,
  name: SettingsName,
): Promise<Json | null> {
  const [row] = await db.query({
    text: "select settings::text from triaged.relationship_settings where name = $1",
    values: [name],
  });
  return row === undefined ? null : ExactObject.parse(row["settings"]);
}

const RegisteredRepository = z.object({
  repo_name: z.string(),
  repo_type: z.string(),
  metadata: ExactObject,
});
const RegisteredRelationship = z.object({
  source_repo: z.string(),
  target_repo: z.string(),
  relationship_type: z.enum(RELATIONSHIP_TYPES),
  /** What was saved: without what the view adds for tasks. */
  config: ExactObject,
});

/** All that is registered, in the order in which it was. */
type Registered = {
  readonly repositories: readonly z.output<typeof RegisteredRepository>[];
  readonly relationships: readonly z.output<typeof RegisteredRelationship>[];
};

/** How many bytes all of it has, about. */
export async function registeredBytes(db: Database): Promise<number> {
  const text = `select (
      (select coalesce(sum(octet_length(metadata::text) + 300), 0) from triaged.repositories)
      + (select coalesce(sum(octet_length(relationship_config::text) + 300), 0)
         from triaged.relationships)
    )::double precision as value`;
  return await ask(db, z.number(), text);
}

/** Read all of it; see registeredBytes. */
export async function readRegistered(db: Database): Promise<Registered> {
  const repositories = await db.query({
    text: "select repo_name, repo_type, metadata::text from triaged.repositories order by id",
  });
  const relationships = await db.query({
    text: `select
             told.source_repo, told.target_repo, told.relationship_type,
             (told.relationship_config
               - '{relationship_type, source_clone_url, target_clone_url}'::text[])::text as config
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

export const Dependent = z.object({
  role: z.enum(["consumer", "derivative", "parent"]),
  task_type: z.string(),
  target_repo: z.string(),
  relationship_type: z.string(),
  relationship_config: ExactObject,
});
/** A repository that a change of the source concerns, and the task that finds out how. */
export type Dependent = z.output<typeof Dependent>;

/** Consumers, derivatives, and parents of a bidirectional derivative, in a fixed order. */
export async function dependentsOf(db: Database, sourceRepo: string): Promise<Dependent[]> {
  const rows = await db.query({
    text: `select role, task_type, target_repo, relationship_type, relationship_config::text
           from triaged.dependents_of($1)`,
    values: [sourceRepo],
  });
  return rows.map((row) => Dependent.parse(row));
}

/** In upper or lower case. */
export async function isRegistered(db: Database, repo: string): Promise<boolean> {
  const rows = await db.query({
    text: "select from triaged.repositories where lower(repo_name) = lower($1)",
    values: [repo],
  });
  return rows.length > 0;
}

/** The attempt that works a verdict out, or waits for it. */
type VerdictAttempt = Pick<HandlerContext, "task" | "attempt">;

const TakenVerdict = z.object({ verdict: z.unknown(), filler_task_id: z.string().nullable() });

/**
 * Ask for the verdict of a key. Without one, and without another task that works it out, the
 * attempt that asks is to do so, and others wait for it from then on.
 */
export async function takeVerdict(
  db: Database,
  key: string,
  { task, attempt }: VerdictAttempt,
): Promise<{ verdict: unknown; fillerTaskId: string | null }> {
  const [row] = await db.query({
    text: "select verdict, filler_task_id::text from triaged.take_verdict($1, $2, $3)",
    values: [key, task.taskId, attempt],
  });
  const taken = row === undefined ? null : TakenVerdict.parse(row);
  return { verdict: taken?.verdict ?? null, fillerTaskId: taken?.filler_task_id ?? null };
}

/** Keep a verdict under its key for so many seconds, and let go of the key. */
export async function storeVerdict(
  db: Database,
  key: string,
  { task, attempt }: VerdictAttempt,
  kept: {
    readonly verdict: object;
    readonly relationshipType: string;
    readonly configHash: string;
    readonly keepSeconds: number;
  },
): Promise<void> {
  await db.query({
    text: `select triaged.store_verdict(
             $1, $2, $3, $4::jsonb, $5, $6, make_interval(secs => $7::double precision)
           )`,
    values: [
      key,
      task.taskId,
      attempt,
      JSON.stringify(kept.verdict),
      kept.relationshipType,
      kept.configHash,
      kept.keepSeconds,
    ],
  });
}

/** Let go of a key without a verdict. */
export async function leaveVerdict(
  db: Database,
  key: string,
  { task, attempt }: VerdictAttempt,
): Promise<void> {
  await db.query({
    text: "select triaged.leave_verdict($1, $2, $3)",
    values: [key, task.taskId, attempt],
  });
}

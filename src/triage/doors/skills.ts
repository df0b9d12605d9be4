/** The seven skills of triage, under the names and with the fields of an older system. */
import { z } from "zod";
import { defineSkill, isRecord, type Skill } from "../../index.ts";
import { notificationResult } from "../notification/change-notification.ts";
import {
  findTaskId,
  listRelationships,
  RELATIONSHIP_TYPES,
  saveRelationship,
  triageStatus,
} from "../store.ts";
import { receiveChange } from "./receive-change.ts";
import { enqueuePair, judgePair, PAIR_TYPES, type PairType } from "./triage-pair.ts";

const Repo = z.string().min(1).max(200).describe("A repository: owner/name.");
const Json = z
  .unknown()
  .refine(isRecord, { error: "expected a JSON object" })
  .meta({ type: "object", additionalProperties: true });

/** A change of a repository; all fields but these four are optional, and unknown ones are kept. */
export const ChangeEventInput = z.looseObject({
  source_repo: Repo,
  commit_sha: z.string(),
  commit_message: z.string(),
  branch: z.string(),
});

/** Relationships of one answer. */
const ROWS_MAX = 10_000;

const receiveChangeNotification = defineSkill({
  name: "receive_change_notification",
  displayName: "Receive Change Notification",
  description: "A repository changed: a triage for each repository that depends on it",
  category: "event",
  role: "enqueue",
  requiresAuth: false,
  isAsync: true,
  input: ChangeEventInput,
  output: notificationResult,
  run: (event, { queue, caller, maxPayloadBytes }) =>
    queue.write(caller, (db) => receiveChange(db, event, { maxPayloadBytes })),
});

export const TriageVerdict = z.looseObject({
  requires_action: z.boolean(),
  urgency: z.string(),
  impact_summary: z.string(),
  affected_files: z.array(z.string()),
  recommended_changes: z.string(),
  confidence: z.number(),
  reasoning: z.string(),
});

const getImpactAnalysis = defineSkill({
  name: "get_impact_analysis",
  displayName: "Get Impact Analysis",
  description: "What a change means for one repository; waits for the verdict, up to a minute",
  category: "query",
  role: "enqueue",
  requiresAuth: false,
  isAsync: false,
  input: z.looseObject({
    source_repo: Repo,
    target_repo: Repo,
    change_event: Json,
    relationship_type: z.enum(["consumer", "template"]),
  }),
  output: TriageVerdict,
  async run(input, context) {
    const { source_repo: sourceRepo, target_repo: targetRepo, relationship_type: type } = input;
    const verdict = await judgePair(
      { sourceRepo, targetRepo, type },
      objectOf(input.change_event),
      context,
    );
    return (
      verdict ?? {
        requires_action: false,
        urgency: "none",
        impact_summary: "This relationship is not registered",
        affected_files: [],
        recommended_changes: "",
        confidence: 0,
        reasoning: `${targetRepo} is not registered as a ${PAIR_TYPES[type]} of ${sourceRepo}`,
      }
    );
  },
});

const Upstream = z.strictObject({
  repo: z.string(),
  relationship_type: z.enum(RELATIONSHIP_TYPES),
  metadata: Json.nullable(),
});

const getDependencies = defineSkill({
  name: "get_dependencies",
  displayName: "Get Dependencies",
  description: "Who depends on a repository, and on whom it depends",
  category: "query",
  role: "read",
  requiresAuth: false,
  isAsync: false,
  input: z.looseObject({ repo: Repo, include_metadata: z.boolean().default(false) }),
  output: z.strictObject({
    repo: z.string(),
    consumers: z.array(z.looseObject({ repo: z.string() })),
    derivatives: z.array(z.looseObject({ repo: z.string() })),
    upstream_dependencies: z.array(Upstream),
  }),
  async run({ repo, include_metadata: isWhole }, { queue }) {
    const rows = await queue.read((db) =>
      listRelationships(db, { repo, type: null, limit: ROWS_MAX }),
    );
    const listOf = (type: (typeof RELATIONSHIP_TYPES)[number]) =>
      rows
        .filter((row) => row.source_repo === repo && row.relationship_type === type)
        .map(({ target_repo, relationship_config }) =>
          isWhole ? { ...relationship_config, repo: target_repo } : { repo: target_repo },
        );
    return {
      repo,
      consumers: listOf("api_consumer"),
      derivatives: listOf("template_fork"),
      upstream_dependencies: rows
        .filter((row) => row.target_repo === repo)
        .map(({ source_repo, relationship_type, relationship_config }) => ({
          repo: source_repo,
          relationship_type,
          metadata: isWhole ? relationship_config : null,
        })),
    };
  },
});

const getOrchestrationStatus = defineSkill({
  name: "get_orchestration_status",
  displayName: "Get Orchestration Status",
  description: "Where a task stands, and its result; by its id, or by its producer's key",
  category: "query",
  role: "read",
  requiresAuth: false,
  isAsync: false,
  input: z.looseObject({ task_id: z.union([z.string().min(1).max(512), z.int().min(1)]) }),
  output: z.looseObject({ task_id: z.string(), status: z.string() }),
  async run({ task_id: given }, { queue }) {
    const id = String(given);
    const row = await queue.read(async (db) => {
      const taskId = await findTaskId(db, id);
      return taskId === null ? null : await triageStatus(db, taskId);
    });
    return row === null
      ? { task_id: id, status: "not_found", error: "Task not found" }
      : {
          ...row,
          created_at: row.created_at.toISOString(),
          started_at: row.started_at?.toISOString() ?? null,
          ended_at: row.ended_at?.toISOString() ?? null,
        };
  },
});

const Triggered = z.strictObject({
  status: z.enum(["enqueued", "error"]),
  task_id: z.string().nullable(),
  message: z.string(),
});

/** The two that enqueue a triage by hand differ in names alone. */
function triggerSkill(type: PairType): Skill {
  const [sourceKey, targetKey] =
    type === "consumer"
      ? (["source_repo", "consumer_repo"] as const)
      : (["template_repo", "derivative_repo"] as const);
  const Pair = z.looseObject({ [sourceKey]: Repo, [targetKey]: Repo });
  return defineSkill({
    name: `trigger_${type}_triage`,
    displayName: type === "consumer" ? "Trigger Consumer Triage" : "Trigger Template Triage",
    description: `Enqueue a triage of one ${PAIR_TYPES[type]}, and answer at once`,
    category: "action",
    role: "enqueue",
    requiresAuth: true,
    isAsync: true,
    input: Pair.extend({ change_event: Json }),
    output: Triggered,
    async run(input, { queue, caller, maxPayloadBytes }) {
      const [sourceRepo, targetRepo] = [Repo.parse(input[sourceKey]), Repo.parse(input[targetKey])];
      const changeEvent = objectOf(input["change_event"]);
      const enqueued = await queue.write(caller, (db) =>
        enqueuePair(db, { sourceRepo, targetRepo, type }, { changeEvent, maxPayloadBytes }),
      );
      return enqueued === null
        ? {
            status: "error",
            task_id: null,
            message: `${targetRepo} is not registered as a ${PAIR_TYPES[type]} of ${sourceRepo}`,
          }
        : {
            status: "enqueued",
            task_id: enqueued.taskId,
            message: `a triage of ${targetRepo} is enqueued`,
          };
    },
  });
}

const addDependencyRelationship = defineSkill({
  name: "add_dependency_relationship",
  displayName: "Add Dependency Relationship",
  description: "Say that a repository depends on another, or change how",
  category: "action",
  role: "admin",
  requiresAuth: true,
  isAsync: false,
  input: z.looseObject({
    source_repo: Repo,
    target_repo: Repo,
    relationship_type: z.enum(RELATIONSHIP_TYPES),
    relationship_config: Json,
  }),
  output: z.strictObject({
    status: z.literal("success"),
    message: z.string(),
    relationship: z.looseObject({ repo: z.string(), relationship_type: z.string() }),
  }),
  async run(input, { queue, caller }) {
    const { source_repo: sourceRepo, target_repo: targetRepo } = input;
    const { relationship_type: relationshipType } = input;
    const config = objectOf(input.relationship_config);
    const outcome = await queue.write(caller, (db) =>
      saveRelationship(db, { sourceRepo, targetRepo, relationshipType, config }),
    );
    return {
      status: "success",
      message: `${sourceRepo} -> ${targetRepo} (${relationshipType}) is ${outcome}`,
      relationship: { ...config, repo: targetRepo, relationship_type: relationshipType },
    };
  },
});

/** What a schema has found to be an object. */
function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : {};
}

export const TRIAGE_SKILLS: readonly Skill[] = [
  receiveChangeNotification,
  getImpactAnalysis,
  getDependencies,
  getOrchestrationStatus,
  triggerSkill("consumer"),
  triggerSkill("template"),
  addDependencyRelationship,
];

import { type InTransaction, type QueueConnection, QueueError } from "../client/connection.ts";
import { cancelTask } from "../database/operator.ts";
import { enqueueTask } from "../database/producer.ts";
import { serializePayload } from "../model/payload.ts";
import type { Enqueued, EnqueueOptions } from "../model/task.ts";
import { sha256 } from "../model/text.ts";
import {
  cleanupOldTasks,
  findTaskId,
  notifyChange,
  queueCounts,
  type StatusRow,
  triageStatus,
} from "./store.ts";

type Json = Readonly<Record<string, unknown>>;

/** Times are ISO 8601 text; `worker_id` is the worker's name. */
export type TaskStatusReport =
  | (Omit<StatusRow, "created_at" | "started_at" | "ended_at"> & {
      readonly created_at: string;
      readonly started_at: string | null;
      readonly ended_at: string | null;
    })
  | { readonly task_id: string; readonly status: "not_found"; readonly error: "Task not found" };

export type QueueStats = {
  readonly status_counts: Readonly<Record<string, number>>;
  /** Tasks created in the last 24 hours. */
  readonly type_counts: Readonly<Record<string, number>>;
  /** Of finished tasks of the last 24 hours; 0 without any. */
  readonly avg_duration_seconds: number;
  readonly queued: number;
  readonly processing: number;
  readonly completed: number;
  readonly failed: number;
  readonly backend: "postgresql";
};

/**
 * The calls that clients of the dependency orchestrator make, under its names. An id is
 * ours, or the key that a producer enqueued the task with.
 */
export class TriageClient {
  readonly #connection: QueueConnection;

  constructor(connection: QueueConnection) {
    this.#connection = connection;
  }

  /** Does a change of `source` break `consumer`? Resolves to the id of the task. */
  enqueueConsumerTriage(
    source: string,
    consumer: string,
    changeEvent: Json,
    config: Json,
    options: InTransaction = {},
  ): Promise<string> {
    return this.#enqueue(
      "consumer_triage",
      { source, target: consumer, changeEvent, config },
      options,
    );
  }

  /** Should `derivative` take over a change of `template`? Resolves to the id of the task. */
  enqueueTemplateTriage(
    template: string,
    derivative: string,
    changeEvent: Json,
    config: Json,
    options: InTransaction = {},
  ): Promise<string> {
    return this.#enqueue(
      "template_triage",
      { source: template, target: derivative, changeEvent, config },
      options,
    );
  }

  /**
   * Tell of a change of a repository; its dependents get a task each. The event needs
   * source_repo, commit_sha, commit_message and branch. The same commit on the same branch,
   * told again within 24 hours, is a `duplicate` with the id of the first.
   */
  async notifyChange(
    event: Json,
    options: Pick<EnqueueOptions, "queue" | "priority"> & InTransaction = {},
  ): Promise<Enqueued> {
    const text = serializePayload(event);
    return await this.#connection.ask(options, (db) => notifyChange(db, text, options));
  }

  /** Whether it is cancelled, or about to be; false when it is unknown or has ended. */
  async cancelTask(id: string, options: InTransaction = {}): Promise<boolean> {
    try {
      return await this.#connection.ask(options, async (db) => {
        const taskId = await findTaskId(db, id);
        return taskId !== null && (await cancelTask(db, taskId)) !== null;
      });
    } catch (err) {
      if (err instanceof QueueError && ["unknown_task", "illegal_transition"].includes(err.code)) {
        return false;
      }
      throw err;
    }
  }

  /**
   * Drop final tasks that ended over so many days ago, or as long as the queue keeps them. Resolves
   * to how many. Needs the rights of the owner.
   */
  async cleanupOldTasks(days?: number, options: InTransaction = {}): Promise<number> {
    return await this.#connection.ask(options, (db) => cleanupOldTasks(db, days ?? null));
  }

  /** Where a task stands; never throws for an unknown one. */
  async getTaskStatus(id: string, options: InTransaction = {}): Promise<TaskStatusReport> {
    const row = await this.#connection.ask(options, async (db) => {
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
  }

  /** Counts over every task that is kept: a report, not something to poll. */
  async getQueueStats(options: InTransaction = {}): Promise<QueueStats> {
    const { avg_duration_seconds, ...counts } = await this.#connection.ask(options, queueCounts);
    const of = (status: string) => counts.status_counts[status] ?? 0;
    return {
      ...counts,
      avg_duration_seconds: avg_duration_seconds ?? 0,
      queued: of("queued"),
      processing: of("started"),
      completed: of("finished"),
      failed: of("failed"),
      backend: "postgresql",
    };
  }

  async #enqueue(
    taskType: string,
    triage: { source: string; target: string; changeEvent: Json; config: Json },
    options: InTransaction,
  ): Promise<string> {
    const { source, target, changeEvent, config } = triage;
    const payload = serializePayload({
      source_repo: source,
      target_repo: target,
      change_event: changeEvent,
      relationship_config: config,
    });
    const commit = changeEvent["commit_sha"];
    // Webhooks come twice: one live task for a commit and a pair of repositories.
    const dedupeKey =
      typeof commit === "string" ? keyOf([taskType, source, target, commit]) : undefined;
    const { taskId } = await this.#connection.ask(options, (db) =>
      enqueueTask(db, { taskType, payload, dedupeKey }),
    );
    return taskId;
  }
}

/** Hashed, because names of repositories may be longer than a key. */
function keyOf(parts: readonly string[]): string {
  return sha256(JSON.stringify(parts));
}

import {
  askWith,
  type Client,
  type Enqueued,
  type EnqueueOptions,
  type Handlers,
  type InTransaction,
  QueueError,
  serializePayload,
} from "../index.ts";
import { dedupeKeyOf } from "./facts/cache-key.ts";
import { cleanupOldTasks, findTaskId, notifyChange, queueCounts, triageStatus } from "./store.ts";

type Json = Readonly<Record<string, unknown>>;

/** Times are ISO 8601 text; `worker_id` is the worker's name. */
export type TaskStatusReport =
  | {
      /** Decimal text: bigint is wider than number. */
      readonly task_id: string;
      readonly status: string;
      /** `metadata.skill_name`, else `trigger_` and the type of the task. */
      readonly skill_name: string;
      readonly task_type: string;
      readonly source_repo: string | null;
      readonly target_repo: string | null;
      readonly created_at: string;
      readonly started_at: string | null;
      readonly ended_at: string | null;
      readonly result: unknown;
      readonly error: string | null;
      readonly worker_id: string | null;
      readonly attempt_count: number;
    }
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
 * The calls of the dependency orchestrator's clients, under its names, on a client of the queue:
 * they use its connections and throw its errors, and end when it is closed. An id is the queue's,
 * or the key that a producer enqueued the task with.
 */
export function createTriageClient<Known extends Handlers>(client: Client<Known>): TriageClient {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- The types of its own handlers say nothing of triage's tasks.
  return new TriageClient(client as unknown as Client);
}

export type { TriageClient };

class TriageClient {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
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
    return await askWith(this.#client, options, (db) => notifyChange(db, text, options));
  }

  /** Whether it is cancelled, or about to be; false when it is unknown or has ended. */
  async cancelTask(id: string, options: InTransaction = {}): Promise<boolean> {
    try {
      const taskId = await askWith(this.#client, options, (db) => findTaskId(db, id));
      if (taskId === null) {
        return false;
      }
      await this.#client.cancel(taskId, options);
      return true;
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
    return await askWith(this.#client, options, (db) => cleanupOldTasks(db, days ?? null));
  }

  /** Where a task stands; never throws for an unknown one. */
  async getTaskStatus(id: string, options: InTransaction = {}): Promise<TaskStatusReport> {
    const row = await askWith(this.#client, options, async (db) => {
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
    const { avg_duration_seconds, ...counts } = await askWith(this.#client, options, queueCounts);
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
    const payload = {
      source_repo: source,
      target_repo: target,
      change_event: changeEvent,
      relationship_config: config,
    };
    const commit = changeEvent["commit_sha"];
    // Webhooks come twice: one live task for a commit and a pair of repositories.
    const dedupeKey =
      typeof commit === "string" ? dedupeKeyOf([taskType, source, target, commit]) : undefined;
    const { taskId } = await this.#client.enqueue(taskType, payload, {
      dedupeKey,
      db: options.db,
    });
    return taskId;
  }
}

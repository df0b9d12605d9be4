/** A triage of one pair of repositories that is registered, asked for by hand. */
import {
  type Database,
  type Enqueued,
  enqueueTask,
  isRecord,
  type Priority,
  Refusal,
  type SkillContext,
  serializePayload,
  WaitTimeoutError,
  waitForTask,
} from "../../index.ts";
import { dedupeKeyOf } from "../facts/cache-key.ts";
import { withoutPaths } from "../sources/event/change-event.ts";
import { type Dependent, dependentsOf } from "../store.ts";

type Json = Readonly<Record<string, unknown>>;

/** In the words of the older system. */
export const PAIR_TYPES = { consumer: "consumer", template: "derivative" } as const;
export type PairType = keyof typeof PAIR_TYPES;

export type NamedPair = {
  readonly sourceRepo: string;
  readonly targetRepo: string;
  readonly type: PairType;
};

/**
 * Enqueue it; null where the pair is not registered. While such a task of the same commit is live,
 * it is that one.
 */
export async function enqueuePair(
  db: Database,
  { sourceRepo, targetRepo, type }: NamedPair,
  given: {
    readonly changeEvent: Json;
    readonly priority?: Priority;
    readonly maxPayloadBytes: number;
  },
): Promise<Enqueued | null> {
  const known = await findDependent(db, { sourceRepo, targetRepo, type });
  if (known === null) {
    return null;
  }
  const { task_type: taskType, target_repo: target, relationship_config: config } = known;
  // Who asks is a stranger to the worker's folders.
  const changeEvent = withoutPaths(given.changeEvent);
  const payload = {
    source_repo: sourceRepo,
    target_repo: target,
    change_event: changeEvent,
    relationship_config: config,
  };
  const { commit_sha: commit } = changeEvent;
  return await enqueueTask(db, {
    taskType,
    payload: serializePayload(payload, { maxBytes: given.maxPayloadBytes }),
    priority: given.priority,
    dedupeKey:
      typeof commit === "string" ? dedupeKeyOf([taskType, sourceRepo, target, commit]) : undefined,
  });
}

async function findDependent(db: Database, pair: NamedPair): Promise<Dependent | null> {
  const { sourceRepo, targetRepo, type } = pair;
  const role = PAIR_TYPES[type];
  const all = (await dependentsOf(db, sourceRepo)).filter((one) => one.role === role);
  return (
    all.find(({ target_repo: name }) => name === targetRepo) ??
    all.find(({ target_repo: name }) => name.toLowerCase() === targetRepo.toLowerCase()) ??
    null
  );
}

/** How long somebody waits for a verdict; after that it is to be asked for by the task. */
const VERDICT_MS_MAX = 60_000;

/**
 * Have a pair judged before all else, and wait for the verdict: the result of the task. Null where
 * the pair is not registered. Throws a Refusal where there is no verdict: the task failed, asks a
 * person, or takes longer than a minute, and goes on.
 */
export async function judgePair(
  pair: NamedPair,
  changeEvent: Json,
  { queue, caller, signal, maxPayloadBytes }: SkillContext,
): Promise<Json | null> {
  const enqueued = await queue.write(caller, (db) =>
    enqueuePair(db, pair, { changeEvent, priority: "critical", maxPayloadBytes }),
  );
  return enqueued === null ? null : await verdictOf(enqueued.taskId, { queue, signal });
}

async function verdictOf(
  taskId: string,
  { queue, signal }: Pick<SkillContext, "queue" | "signal">,
): Promise<Json> {
  const refused = (status: number, code: string, message: string) =>
    new Refusal(status, code, message, { hint: `GET /api/tasks/${taskId} tells more` });
  try {
    const task = await waitForTask(queue.reader, taskId, {
      timeoutMs: VERDICT_MS_MAX,
      signal,
      onProgress: ({ status }) =>
        status === "needs_decision"
          ? Promise.reject(
              refused(504, "needs_decision", `Task ${taskId} waits for a person's answer.`),
            )
          : Promise.resolve(),
    });
    if (task?.status === "finished" && isRecord(task.result)) {
      return task.result;
    }
    const reason = task?.error ?? "it is gone";
    throw refused(502, "task_failed", `Task ${taskId} has no verdict: ${reason}`);
  } catch (err) {
    throw err instanceof WaitTimeoutError
      ? refused(504, "not_ended", `Task ${taskId} has no verdict yet, and goes on.`)
      : err;
  }
}

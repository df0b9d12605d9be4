import { setImmediate } from "node:timers/promises";
import { z } from "zod";
import { cancelTask, decideTask, retryTask } from "../../database/operator.ts";
import { enqueueTasks } from "../../database/producer.ts";
import {
  getTask,
  HISTORY_ROWS_MAX,
  pageTasks,
  taskHistory,
  whyTask,
} from "../../database/reader.ts";
import { isRecord } from "../../model/json.ts";
import { checkJson, PayloadError, serializePayload } from "../../model/payload.ts";
import type { Enqueued as QueuedTask, NewTask as TaskToEnqueue } from "../../model/task.ts";
import { TASK_STATUSES } from "../../model/task-status.ts";
import { refusePrivateHost, refusePrivateLiteral } from "../../system/private-address.ts";
import { callerIn } from "../access.ts";
import { browseFor } from "../browse.ts";
import { FAILURES } from "../failures.ts";
import type { Gateway, GatewayParts } from "../gateway.ts";
import { Refusal } from "../refusal.ts";
import {
  EnqueuedReply,
  HistoryReply,
  ListedTaskReply,
  Name,
  Place,
  ReasonReply,
  sent,
  TaskId,
  TaskPath,
  TaskReply,
  type TaskRequest,
  TasksRequest,
} from "../shapes.ts";

/** How long an Idempotency-Key is held at least, also when its task has ended. */
const IDEMPOTENT_MS = 86_400_000;
/** Of a body with many tasks. */
const BULK_BYTES_MAX = 16_777_216;

/** After so many tasks of a body are checked, other requests have their turn. */
const TASKS_BETWEEN_OTHERS = 200;

const Limit = z.coerce.number().int().min(1).max(100).default(20);

const IdempotencyKey = z
  .looseObject({ "idempotency-key": z.string().min(1).max(500).optional() })
  .describe("With Idempotency-Key, a request that is sent again enqueues nothing again.");

const CacheControl = z
  .looseObject({ "cache-control": z.string().max(200).optional() })
  .describe("With Cache-Control: no-cache, the database is asked in any case.");

/** `/api/tasks`: enqueue, list, look. */
export function taskRoutes(app: Gateway, parts: GatewayParts): void {
  enqueueRoute(app, parts);
  listRoute(app, parts);
  oneTaskRoutes(app, parts);
}

function enqueueRoute(app: Gateway, { queue, maxPayloadBytes, allowPrivate }: GatewayParts): void {
  app.post(
    "/api/tasks",
    {
      config: { role: "enqueue" },
      bodyLimit: Math.max(BULK_BYTES_MAX, app.initialConfig.bodyLimit ?? 0),
      schema: {
        summary: "Enqueue a task, or an array of up to 10,000, all or none",
        tags: ["tasks"],
        headers: IdempotencyKey,
        body: TasksRequest,
        response: {
          200: EnqueuedReply.describe("A task had the key already: duplicate, or replaced."),
          201: z.union([EnqueuedReply, z.strictObject({ tasks: z.array(EnqueuedReply) })]),
          ...FAILURES,
        },
      },
    },
    async (request, reply) => {
      const { body, headers } = request;
      const caller = callerIn(request);
      const key = headers["idempotency-key"];
      if (!allowPrivate) {
        await refusePrivateWebhooks(Array.isArray(body) ? body : [body]);
      }
      if (Array.isArray(body)) {
        const tasks: TaskToEnqueue[] = [];
        for (const [place, task] of body.entries()) {
          const options = { key: key && `${key}/${place}`, maxBytes: maxPayloadBytes };
          tasks.push(atPlace(place, () => taskOf(task, options)));
          if (place % TASKS_BETWEEN_OTHERS === TASKS_BETWEEN_OTHERS - 1) {
            await setImmediate();
          }
        }
        const answers = await queue.write(caller, (db) => enqueueTasks(db, tasks));
        return reply.code(201).send({ tasks: answers.map(enqueuedOf) });
      }
      const task = taskOf(body, { key, maxBytes: maxPayloadBytes });
      const answer = await queue.enqueue(caller, task);
      reply.header("location", `/api/tasks/${answer.taskId}`);
      return reply.code(answer.outcome === "created" ? 201 : 200).send(enqueuedOf(answer));
    },
  );
}

function listRoute(app: Gateway, { queue }: GatewayParts): void {
  app.get(
    "/api/tasks",
    {
      config: { role: "read" },
      schema: {
        summary: "List tasks, the newest first, without what may be large",
        tags: ["tasks"],
        querystring: z.strictObject({
          queue: Name.optional(),
          type: Name.optional(),
          status: z.enum(TASK_STATUSES).optional(),
          context: z.string().min(1).max(512).optional().describe("metadata.context_id"),
          repo: z
            .string()
            .min(1)
            .max(512)
            .optional()
            .describe("payload.source_repo or target_repo"),
          parent: TaskId.optional(),
          limit: Limit,
          after: Place.optional().describe("`next` of the page before"),
        }),
        headers: CacheControl,
        response: {
          200: z.strictObject({ tasks: z.array(ListedTaskReply), next: z.string().nullable() }),
          ...FAILURES,
        },
      },
    },
    async (request, reply) => {
      const { type, context, parent, ...filter } = request.query;
      const { rows, next } = await browseFor(queue, { request, reply }, (db) =>
        pageTasks(db, { ...filter, taskType: type, contextId: context, parentTaskId: parent }),
      );
      return { tasks: rows.map(sent), next };
    },
  );
}

/** What there is to see of one task. */
function oneTaskRoutes(app: Gateway, { queue, tasks }: GatewayParts): void {
  const config = { role: "read" } as const;
  app.get(
    "/api/tasks/:id",
    {
      config,
      schema: {
        summary: "One task, with payload and result, as it was some tenths of a second ago",
        tags: ["tasks"],
        params: TaskPath,
        headers: CacheControl,
        response: { 200: TaskReply, ...FAILURES },
      },
    },
    async ({ params: { id }, headers }) => {
      const isFresh = headers["cache-control"]?.includes("no-cache") === true;
      const task = isFresh
        ? await queue.read((db) => getTask(db, id, { decimals: "kept" }))
        : await tasks.get(id);
      if (task === null) {
        throw noSuchTask(id);
      }
      return sent(task);
    },
  );

  app.get(
    "/api/tasks/:id/history",
    {
      config,
      schema: {
        summary: "The transitions of a task, the oldest first; of more than the limit, the newest",
        tags: ["tasks"],
        params: TaskPath,
        querystring: z.strictObject({
          limit: z.coerce.number().int().min(1).max(HISTORY_ROWS_MAX).default(HISTORY_ROWS_MAX),
        }),
        response: { 200: z.strictObject({ history: z.array(HistoryReply) }), ...FAILURES },
      },
    },
    async ({ params: { id }, query: { limit } }) => {
      const rows = await queue.read((db) => taskHistory(db, id, { limit }));
      if (rows.length === 0) {
        throw noSuchTask(id);
      }
      return { history: rows.map(sent) };
    },
  );

  app.get(
    "/api/tasks/:id/why",
    {
      config,
      schema: {
        summary: "Why a task does not run, or what became of it, the most telling reason first",
        tags: ["tasks"],
        params: TaskPath,
        response: { 200: z.strictObject({ reasons: z.array(ReasonReply) }), ...FAILURES },
      },
    },
    async ({ params: { id } }) => ({ reasons: await queue.read((db) => whyTask(db, id)) }),
  );
}

/** `/api/tasks/{id}/…`: what people do with a task. */
export function taskActionRoutes(app: Gateway, { queue }: GatewayParts): void {
  const config = { role: "operate" } as const;
  app.post(
    "/api/tasks/:id/cancel",
    {
      config,
      schema: {
        summary: "Cancel a task; one that runs is aborted by its worker (`requested`)",
        tags: ["tasks"],
        params: TaskPath,
        response: {
          200: z.strictObject({ task_id: z.string(), outcome: z.enum(["cancelled", "requested"]) }),
          ...FAILURES,
        },
      },
    },
    async (request) => {
      const { id } = request.params;
      const outcome = await queue.write(callerIn(request), (db) => cancelTask(db, id));
      return { task_id: id, outcome };
    },
  );

  const Queued = z.strictObject({ task_id: z.string(), status: z.literal("queued") });
  app.post(
    "/api/tasks/:id/retry",
    {
      config,
      schema: {
        summary: "Queue a failed or cancelled task again, with its whole budget of attempts",
        tags: ["tasks"],
        params: TaskPath,
        response: { 200: Queued, ...FAILURES },
      },
    },
    async (request) => {
      const { id } = request.params;
      await queue.write(callerIn(request), (db) => retryTask(db, id));
      return { task_id: id, status: "queued" as const };
    },
  );

  app.post(
    "/api/tasks/:id/decide",
    {
      config,
      schema: {
        summary: "Answer a task that waits for a person; its next attempt gets the answer",
        tags: ["tasks"],
        params: TaskPath,
        body: z.strictObject({ decision: Decision }),
        response: { 200: Queued, ...FAILURES },
      },
    },
    async (request) => {
      const { id } = request.params;
      const { decision } = request.body;
      checkJson(decision, "body.decision");
      await queue.write(callerIn(request), (db) => decideTask(db, id, decision));
      return { task_id: id, status: "queued" as const };
    },
  );
}

/** Any JSON but null, which would be no answer. */
export const Decision = z
  .unknown()
  .refine((given) => given !== undefined && given !== null, { error: "expected an answer" });

export function noSuchTask(taskId: string): Refusal {
  return new Refusal(404, "unknown_task", `There is no task ${taskId}.`, {
    hint: `GET /api/tasks/${taskId}/history may know one that was dropped`,
  });
}

/** What the queue takes. Throws a PayloadError, which names the place. */
function taskOf(
  task: TaskRequest,
  { key, maxBytes }: { key: string | undefined; maxBytes: number },
): TaskToEnqueue {
  if (key !== undefined && task.dedupe_key !== undefined && task.dedupe_key !== key) {
    throw new Refusal(400, "two_keys", "Idempotency-Key and dedupe_key are not the same.", {
      hint: "send one of them",
    });
  }
  checkJson(task.metadata, "body.metadata");
  return {
    taskType: task.task_type,
    payload: serializePayload(task.payload ?? {}, { maxBytes }),
    queue: task.queue,
    priority: task.priority,
    runAt: task.run_at === undefined ? undefined : new Date(task.run_at),
    maxAttempts: task.max_attempts,
    dedupeKey: task.dedupe_key ?? key,
    dedupeMode: task.dedupe_mode,
    dedupeForMs: task.dedupe_for_ms ?? (key === undefined ? undefined : IDEMPOTENT_MS),
    parentTaskId: task.parent_task_id,
    metadata: isRecord(task.metadata) ? task.metadata : undefined,
  };
}

/** Of different addresses in one request, so many names are resolved; a delivery looks again. */
const LOOK_UPS_MAX = 20;

async function refusePrivateWebhooks(tasks: readonly TaskRequest[]): Promise<void> {
  const given = new Set(tasks.map(({ metadata }) => metadataOf(metadata)["webhook"]));
  const urls = [...given].flatMap((url) => (typeof url === "string" ? (URL.parse(url) ?? []) : []));
  try {
    urls.forEach(refusePrivateLiteral);
    await Promise.all(urls.slice(0, LOOK_UPS_MAX).map(refusePrivateHost));
  } catch (err) {
    const reason = err instanceof Error ? err.message : String(err);
    throw new Refusal(422, "bad_argument", `metadata.webhook: ${reason}`);
  }
}

function metadataOf(metadata: unknown): Readonly<Record<string, unknown>> {
  return isRecord(metadata) ? metadata : {};
}

/** What is wrong with one of many tasks, with its place among them, from 0 as in the body. */
function atPlace<Result>(place: number, work: () => Result): Result {
  try {
    return work();
  } catch (err) {
    if (err instanceof PayloadError) {
      throw new PayloadError(`body.${place}: ${err.message}`, { hint: err.hint, cause: err });
    }
    throw err;
  }
}

function enqueuedOf({ taskId, outcome }: QueuedTask) {
  return { task_id: taskId, outcome };
}

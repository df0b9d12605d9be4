/**
 * `/api/agent/tasks`: the shapes of an older system, in its words, for clients that speak them. What
 * they call a direction and a context are in the payload, its output is the result.
 */
import { z } from "zod";
import type { Database } from "../../database/database.ts";
import { attentionCounts, attentionTasks, liveWorkers } from "../../database/monitoring.ts";
import { cancelTask, decideTask, retryTask } from "../../database/operator.ts";
import { countByStatus, countTasks, getTask, listTasks } from "../../database/reader.ts";
import type { ListedRow } from "../../database/rows.ts";
import { checkJson, serializePayload } from "../../model/payload.ts";
import { TASK_STATUSES, type TaskStatus } from "../../model/task-status.ts";
import { callerIn } from "../access.ts";
import { browseFor } from "../browse.ts";
import { FAILURES } from "../failures.ts";
import type { Gateway, GatewayParts } from "../gateway.ts";
import { Refusal } from "../refusal.ts";
import { JsonObject, Name, sent, TaskPath } from "../shapes.ts";
import { Decision, noSuchTask } from "./tasks.ts";

/** The older system's words; a status that it does not have keeps ours. */
const OLDER_WORDS: Partial<Record<TaskStatus, string>> = {
  queued: "pending",
  started: "running",
  finished: "completed",
};
const olderWord = (status: TaskStatus): string => OLDER_WORDS[status] ?? status;
/** Beyond that a list does not count how many there are. */
const TOTAL_MAX = 10_000;

const ITEM = {
  id: z.string(),
  task_type: z.string(),
  status: z.string(),
  progress_pct: z.int().nullable(),
  current_step: z.string().nullable(),
  decision_prompt: z.string().nullable(),
  error: z.string().nullable(),
  claimed_by: z.string().nullable(),
  created_at: z.string().meta({ format: "date-time" }),
  updated_at: z.string().meta({ format: "date-time" }),
};
const AgentTaskItem = z.strictObject(ITEM).meta({ id: "AgentTaskItem" });
const AgentTask = z
  .strictObject({
    ...ITEM,
    direction: z.unknown(),
    context: z.unknown(),
    output: z.unknown(),
    decision: z.unknown(),
  })
  .meta({ id: "AgentTask" });

/** One that waits for a person. */
const AgentTaskInWait = z
  .strictObject({
    id: z.string(),
    task_type: z.string(),
    status: z.string(),
    reason: z.string(),
    detail: z.string().nullable(),
    since: z.string().meta({ format: "date-time" }),
  })
  .meta({ id: "AgentTaskInWait" });

const NewAgentTask = z
  .strictObject({
    direction: z.string().min(1).max(100_000),
    task_type: Name,
    context: JsonObject.optional(),
  })
  .meta({ id: "NewAgentTask" });

const AgentTaskUpdate = z
  .strictObject({
    status: z.string().optional(),
    output: z.unknown().optional(),
    progress_pct: z.int().min(0).max(100).optional(),
    current_step: z.string().max(200).optional(),
    decision_prompt: z.string().max(8192).optional(),
    decision: z.unknown().optional(),
    worker_id: z.string().max(200).optional(),
  })
  .meta({ id: "AgentTaskUpdate" });
type AgentTaskUpdate = z.output<typeof AgentTaskUpdate>;

export function olderTaskRoutes(app: Gateway, parts: GatewayParts): void {
  const { queue, maxPayloadBytes } = parts;
  const tags = ["older system"];
  app.post(
    "/api/agent/tasks",
    {
      config: { role: "enqueue" },
      schema: {
        summary: "Enqueue a task whose payload has direction and context",
        tags,
        body: NewAgentTask,
        response: { 201: AgentTask, ...FAILURES },
      },
    },
    async (request, reply) => {
      const { direction, task_type: taskType, context } = request.body;
      const given = { direction, ...(context === undefined ? {} : { context }) };
      const payload = serializePayload(given, { maxBytes: maxPayloadBytes });
      const { taskId } = await queue.enqueue(callerIn(request), { taskType, payload });
      const task = await queue.read((db) => readTask(db, taskId));
      return reply.code(201).send(task);
    },
  );

  app.get(
    "/api/agent/tasks",
    {
      config: { role: "read" },
      schema: {
        summary: `List tasks without results; total counts to ${TOTAL_MAX}`,
        tags,
        querystring: z.strictObject({
          status: z.string().optional(),
          task_type: Name.optional(),
          limit: z.coerce.number().int().min(1).max(100).default(20),
          offset: z.coerce.number().int().min(0).max(TOTAL_MAX).default(0),
        }),
        response: {
          200: z.strictObject({ tasks: z.array(AgentTaskItem), total: z.int() }),
          ...FAILURES,
        },
      },
    },
    async (request, reply) => {
      const { task_type: taskType, limit, offset, status: word } = request.query;
      const status = word === undefined ? undefined : statusOf(word, 400);
      return await browseFor(queue, { request, reply }, async (db) => ({
        tasks: (await listTasks(db, { status, taskType, limit, offset })).map(itemOf),
        total: await countTasks(db, { status, taskType, countMax: TOTAL_MAX }),
      }));
    },
  );
  olderSummaryRoutes(app, parts);
  oneOlderTaskRoute(app, parts);
  olderTaskActionRoutes(app, parts);
}

function oneOlderTaskRoute(app: Gateway, { queue }: GatewayParts): void {
  app.get(
    "/api/agent/tasks/:id",
    {
      config: { role: "read" },
      schema: {
        summary: "One task, with its result as output",
        tags: ["older system"],
        params: TaskPath,
        response: { 200: AgentTask, ...FAILURES },
      },
    },
    ({ params: { id } }) => queue.read((db) => readTask(db, id)),
  );
}

function olderSummaryRoutes(app: Gateway, { queue }: GatewayParts): void {
  const config = { role: "read" } as const;
  const tags = ["older system"];
  app.get(
    "/api/agent/tasks/attention",
    {
      config,
      schema: {
        summary: `Tasks that wait for a person; total counts to ${TOTAL_MAX}`,
        tags,
        querystring: z.strictObject({ limit: z.coerce.number().int().min(1).max(100).default(20) }),
        response: {
          200: z.strictObject({ tasks: z.array(AgentTaskInWait), total: z.int() }),
          ...FAILURES,
        },
      },
    },
    ({ query: { limit } }) =>
      queue.read(async (db) => ({
        tasks: (await attentionTasks(db, limit))
          .map(sent)
          .map(({ task_id, task_type, status, reason, detail, since }) => ({
            id: task_id,
            task_type,
            status: olderWord(status),
            reason,
            detail,
            since,
          })),
        total: Object.values(await attentionCounts(db)).reduce((sum, count) => sum + count, 0),
      })),
  );

  app.get(
    "/api/agent/tasks/count",
    {
      config,
      schema: {
        summary: "How many tasks there are, and in which status",
        tags,
        response: {
          200: z.strictObject({
            total: z.int(),
            by_status: z.record(z.string(), z.int()),
            is_estimate: z.boolean().describe("Not all of it is counted, or not at this moment."),
          }),
          ...FAILURES,
        },
      },
    },
    async (request, reply) => {
      const { counts, isEstimate } = await browseFor(queue, { request, reply }, (db) =>
        countByStatus(db),
      );
      const by_status: Record<string, number> = {};
      let total = 0;
      for (const status of TASK_STATUSES) {
        const count = counts[status] ?? 0;
        if (count > 0) by_status[olderWord(status)] = count;
        total += count;
      }
      return { total, by_status, is_estimate: isEstimate };
    },
  );
}

function olderTaskActionRoutes(app: Gateway, { queue }: GatewayParts): void {
  const config = { role: "operate" } as const;
  const schema = {
    tags: ["older system"],
    params: TaskPath,
    response: { 200: AgentTask, ...FAILURES },
  };
  app.patch(
    "/api/agent/tasks/:id",
    { config, schema: { ...schema, summary: "Decide, cancel or retry", body: AgentTaskUpdate } },
    async (request) => {
      const { id } = request.params;
      const { worker_id: _, ...update } = request.body;
      if (Object.values(update).every((value) => value === undefined)) {
        throw new Refusal(400, "nothing_to_do", "At least one field is required.", {
          hint: "send decision, or a status: cancelled, or pending to retry",
        });
      }
      checkJson(update, "body");
      return await queue.write(callerIn(request), async (db) => {
        await applyUpdate(db, id, update);
        return await readTask(db, id);
      });
    },
  );

  const deeds = [
    ["cancel", "Cancel a task", cancelTask],
    ["retry", "Queue a failed or cancelled task again", retryTask],
  ] as const;
  for (const [word, summary, change] of deeds) {
    app.post(
      `/api/agent/tasks/:id/${word}`,
      { config, schema: { ...schema, summary } },
      async (request) => {
        const { id } = request.params;
        return await queue.write(callerIn(request), async (db) => {
          await change(db, id);
          return await readTask(db, id);
        });
      },
    );
  }
  app.post(
    "/api/agent/tasks/:id/decide",
    {
      config,
      schema: { ...schema, summary: "Answer a task", body: z.strictObject({ decision: Decision }) },
    },
    async (request) => {
      const { id } = request.params;
      const { decision } = request.body;
      checkJson(decision, "body.decision");
      return await queue.write(callerIn(request), async (db) => {
        await decideTask(db, id, decision);
        return await readTask(db, id);
      });
    },
  );
}

/** Do what a PATCH says, as far as it is for somebody who does not hold the task. */
async function applyUpdate(db: Database, taskId: string, update: AgentTaskUpdate): Promise<void> {
  const task = await getTask(db, taskId);
  if (task === null) {
    throw noSuchTask(taskId);
  }
  const wanted = update.status === undefined ? undefined : statusOf(update.status, 422);
  if (update.decision !== undefined && update.decision !== null) {
    await decideTask(db, taskId, update.decision);
  } else if (wanted === "cancelled") {
    await cancelTask(db, taskId);
  } else if (wanted === "queued") {
    await retryTask(db, taskId);
  } else if (task.worker_id === null || task.ended_at !== null) {
    throw new Refusal(
      409,
      "not_held",
      `Task ${taskId} is ${olderWord(task.status)}: nobody holds it.`,
      {
        hint: "only the worker that holds a task reports its progress and its end",
      },
    );
  } else {
    const holder = (await liveWorkers(db)).find(({ worker_id: id }) => id === task.worker_id);
    const name = holder?.name ?? task.worker_id;
    throw new Refusal(409, "held", `Task ${taskId} is held by worker ${name}.`, {
      hint: "only the worker that holds a task reports its progress and its end",
    });
  }
}

/** The status that a word means, of the older system's or of ours. */
function statusOf(word: string, refusedWith: 400 | 422): TaskStatus {
  const status = TASK_STATUSES.find((one) => one === word || olderWord(one) === word);
  if (status === undefined) {
    throw new Refusal(refusedWith, "invalid_request", `status: there is no ${word.slice(0, 40)}.`, {
      hint: `use one of ${TASK_STATUSES.map(olderWord).join(", ")}`,
    });
  }
  return status;
}

async function readTask(db: Database, taskId: string) {
  const task = await getTask(db, taskId, { decimals: "kept" });
  if (task === null) {
    throw noSuchTask(taskId);
  }
  const { payload, result, decision } = task;
  return {
    ...itemOf(task),
    direction: payload["direction"] ?? null,
    context: payload["context"] ?? null,
    output: result ?? null,
    decision: decision ?? null,
  };
}

function itemOf(row: ListedRow) {
  const { task_id, task_type, progress_pct, current_step, decision_prompt, error } = row;
  const changed = row.ended_at ?? row.started_at ?? row.created_at;
  return {
    id: task_id,
    task_type,
    status: olderWord(row.status),
    progress_pct,
    current_step,
    decision_prompt,
    error,
    claimed_by: row.worker_id,
    created_at: row.created_at.toISOString(),
    updated_at: changed.toISOString(),
  };
}

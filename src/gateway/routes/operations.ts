import { z } from "zod";
import {
  abortOperation,
  getOperation,
  listOperations,
  OperationRow,
  previewOperation,
  startOperation,
} from "../../database/operations.ts";
import { lastVerifyRun, requestVerify } from "../../database/verify/runs.ts";
import {
  BULK_ACTIONS,
  OPERATION_ACTIONS,
  OPERATION_DOORS,
  REASON_LENGTH_MAX,
} from "../../model/operation.ts";
import { checkJson } from "../../model/payload.ts";
import { TASK_STATUSES } from "../../model/task-status.ts";
import { callerIn } from "../access.ts";
import { browseFor } from "../browse.ts";
import { FAILURES } from "../failures.ts";
import type { Gateway, GatewayParts } from "../gateway.ts";
import { Refusal } from "../refusal.ts";
import { Name, replyOf, sent, TaskId } from "../shapes.ts";

const Instant = z.iso.datetime({ offset: true }).transform((text) => new Date(text));
const Text = z.string().min(1).max(2_000);

const Filter = z
  .strictObject({
    status: z.enum(TASK_STATUSES).optional(),
    task_type: Name.optional(),
    queue: Name.optional(),
    repo: Text.optional().describe("payload.source_repo or target_repo"),
    context_id: Text.optional(),
    parent_task_id: TaskId.optional(),
    worker: Text.optional().describe("Its name or id."),
    error: Text.optional().describe("A text in the error, in any case."),
    error_shape: Text.optional(),
    cause: Text.optional(),
    payload: z.record(z.string(), z.unknown()).optional().describe("What the payload contains."),
    created_since: Instant.optional(),
    created_before: Instant.optional(),
    ended_since: Instant.optional(),
    ended_before: Instant.optional(),
  })
  .transform((given) => ({
    status: given.status,
    queue: given.queue,
    repo: given.repo,
    worker: given.worker,
    error: given.error,
    cause: given.cause,
    payload: given.payload,
    taskType: given.task_type,
    contextId: given.context_id,
    parentTaskId: given.parent_task_id,
    errorShape: given.error_shape,
    createdSince: given.created_since,
    createdBefore: given.created_before,
    endedSince: given.ended_since,
    endedBefore: given.ended_before,
  }));

const Started = z.strictObject({
  action: z.enum(BULK_ACTIONS),
  filter: Filter.describe("All must hold; {} is all that the action is possible for."),
  priority: z.int().min(0).max(3).optional(),
  run_at: Instant.nullable().optional().describe("null: now"),
  reason: z.string().trim().min(1).max(REASON_LENGTH_MAX),
  request_key: z.string().min(1).max(200).optional(),
});

const OperationReply = replyOf(OperationRow).meta({ id: "Operation" });
const OperationPath = z.strictObject({ id: TaskId });

/** `/api/operations`: what people did, and work on all tasks that match. */
export function operationRoutes(app: Gateway, parts: GatewayParts): void {
  lookRoutes(app, parts);
  workRoutes(app, parts);
  verifyRoutes(app, parts);
}

function lookRoutes(app: Gateway, { queue }: GatewayParts): void {
  const config = { role: "read" } as const;
  app.get(
    "/api/operations",
    {
      config,
      schema: {
        summary: "What people did, the newest first",
        tags: ["operations"],
        querystring: z.strictObject({
          action: z.enum(OPERATION_ACTIONS).optional(),
          actor: z.string().min(1).max(200).optional(),
          door: z.enum(OPERATION_DOORS).optional(),
          task: TaskId.optional(),
          after: TaskId.optional().describe("The last operation_id of the page before"),
          limit: z.coerce.number().int().min(1).max(100).default(20),
        }),
        response: { 200: z.strictObject({ operations: z.array(OperationReply) }), ...FAILURES },
      },
    },
    async (request, reply) => {
      const { task, ...filter } = request.query;
      const rows = await browseFor(queue, { request, reply }, (db) =>
        listOperations(db, { ...filter, taskId: task }),
      );
      return { operations: rows.map(sent) };
    },
  );

  app.get(
    "/api/operations/:id",
    {
      config,
      schema: {
        summary: "One operation; of many tasks with how far it is",
        tags: ["operations"],
        params: OperationPath,
        response: { 200: OperationReply, ...FAILURES },
      },
    },
    async ({ params: { id } }) => {
      const row = await queue.read((db) => getOperation(db, id));
      if (row === null) {
        throw new Refusal(404, "unknown_operation", `There is no operation ${id}.`);
      }
      return sent(row);
    },
  );
}

function workRoutes(app: Gateway, { queue }: GatewayParts): void {
  app.post(
    "/api/operations/preview",
    {
      config: { role: "read" },
      schema: {
        summary: "How many tasks an operation would act on; about, where is_estimate",
        tags: ["operations"],
        body: z.strictObject({ action: z.enum(BULK_ACTIONS), filter: Filter }),
        response: {
          200: z.strictObject({ count: z.number(), is_estimate: z.boolean() }),
          ...FAILURES,
        },
      },
    },
    async ({ body: { action, filter } }) => {
      checkJson(filter.payload, "body.filter.payload");
      const { count, isEstimate } = await queue.read((db) => previewOperation(db, action, filter));
      return { count, is_estimate: isEstimate };
    },
  );

  app.post(
    "/api/operations",
    {
      config: { role: "operate" },
      schema: {
        summary: "Act on all tasks that match; the jobs do it in batches",
        tags: ["operations"],
        body: Started,
        response: { 202: z.strictObject({ operation_id: z.string() }), ...FAILURES },
      },
    },
    async (request, reply) => {
      const { filter, reason, request_key } = request.body;
      checkJson(filter.payload, "body.filter.payload");
      const work = workOf(request.body);
      const id = await queue.write({ ...callerIn(request), reason }, (db) =>
        startOperation(db, { ...work, filter, requestKey: request_key }),
      );
      reply.header("location", `/api/operations/${id}`);
      return reply.code(202).send({ operation_id: id });
    },
  );

  app.post(
    "/api/operations/:id/abort",
    {
      config: { role: "operate" },
      schema: {
        summary: "Stop an operation behind the batch that runs",
        tags: ["operations"],
        params: OperationPath,
        response: {
          200: z.strictObject({ operation_id: z.string(), aborted: z.boolean() }),
          ...FAILURES,
        },
      },
    },
    async (request) => {
      const { id } = request.params;
      const aborted = await queue.write(callerIn(request), (db) => abortOperation(db, id));
      return { operation_id: id, aborted };
    },
  );
}

function workOf({ action, priority, run_at }: z.output<typeof Started>) {
  if (action === "change_priority") {
    if (priority === undefined || run_at !== undefined) {
      throw new Refusal(422, "bad_argument", "change_priority takes a priority, and no run_at.");
    }
    return { action, priority };
  }
  if (action === "change_run_at") {
    if (run_at === undefined || priority !== undefined) {
      throw new Refusal(422, "bad_argument", "change_run_at takes a run_at, and no priority.");
    }
    return { action, runAt: run_at };
  }
  if (priority !== undefined || run_at !== undefined) {
    throw new Refusal(422, "bad_argument", `${action} takes neither priority nor run_at.`);
  }
  return { action };
}

function verifyRoutes(app: Gateway, { queue }: GatewayParts): void {
  app.get(
    "/api/verify",
    {
      config: { role: "read" },
      schema: {
        summary: "The newest run of verify, or null",
        tags: ["operations"],
        response: { 200: z.strictObject({ run: z.unknown() }), ...FAILURES },
      },
    },
    async () => {
      const run = await queue.read(lastVerifyRun);
      return { run: run === null ? null : sent(run) };
    },
  );

  app.post(
    "/api/verify",
    {
      config: { role: "operate" },
      schema: {
        summary: "Have the jobs verify now; false where there are none",
        tags: ["operations"],
        response: { 202: z.strictObject({ requested: z.boolean() }), ...FAILURES },
      },
    },
    async (request, reply) => {
      const requested = await queue.write(callerIn(request), requestVerify);
      return reply.code(202).send({ requested });
    },
  );
}

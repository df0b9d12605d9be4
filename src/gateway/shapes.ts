/** What requests and answers are made of: schemas that check, type and describe. */
import type { FastifySchemaCompiler } from "fastify";
import { validatorCompiler } from "fastify-type-provider-zod";
import { z } from "zod";
import { IsoTime } from "../database/database.ts";
import { PAGE_PLACE } from "../database/reader.ts";
import {
  Count,
  Depth,
  HistoryRow,
  ListedRow,
  Pause,
  Reason,
  WorkerActivity,
} from "../database/rows.ts";
import { isRecord } from "../model/json.ts";
import { PRIORITIES, PRIORITY_NAMES } from "../model/task.ts";

const TASK_ID_MAX = 9_223_372_036_854_775_807n;
const IS_ID = "a task id is a whole number above 0, such as 42";

/** Text, since an id is wider than the numbers of many languages. */
export const TaskId = z
  .string()
  .regex(/^[1-9]\d{0,18}$/, { error: IS_ID, abort: true })
  .refine((id) => BigInt(id) <= TASK_ID_MAX, { error: IS_ID });

export const TaskPath = z.strictObject({ id: TaskId });

/** The name of a queue or a task type. */
export const Name = z.string().min(1).max(200);

const Time = z.string().meta({ format: "date-time" });

export const JsonObject = z
  .unknown()
  .refine(isRecord, { error: "expected a JSON object" })
  .meta({ type: "object", additionalProperties: true });

export const TaskRequest = z
  .strictObject({
    task_type: Name.describe("The name of its handler."),
    payload: JsonObject.optional().describe("The input of the handler; {} unless given."),
    queue: Name.optional().describe("default, unless given."),
    priority: z
      .union([z.literal(PRIORITIES), z.enum(PRIORITY_NAMES)])
      .optional()
      .describe("0, the first to be claimed, to 3, or the words for them. medium, unless given."),
    run_at: z.iso.datetime({ offset: true }).optional().describe("Not before. Now, unless given."),
    max_attempts: z.int().min(1).max(100).optional(),
    dedupe_key: z
      .string()
      .min(1)
      .max(512)
      .optional()
      .describe("While a task of this key is live, no second one is created."),
    dedupe_mode: z.enum(["keep", "replace"]).optional(),
    dedupe_for_ms: z.int().min(0).max(31_622_400_000).optional(),
    parent_task_id: TaskId.optional(),
    metadata: JsonObject.optional().describe("Labels, such as context_id. Not for the handler."),
  })
  .meta({ id: "NewTask" });
export type TaskRequest = z.output<typeof TaskRequest>;

/** Tasks of one request. */
export const TASKS_MAX = 10_000;

const TaskListRequest = z.array(TaskRequest).min(1).max(TASKS_MAX);
export const TasksRequest = z.union([TaskRequest, TaskListRequest]);

/** As the type provider does; of a body that is one or many, by the one that is meant. */
export const validate: FastifySchemaCompiler<z.ZodType> = (route) => {
  if (route.schema !== TasksRequest) {
    return validatorCompiler(route);
  }
  // A union's error names no field.
  const ofOne = validatorCompiler({ ...route, schema: TaskRequest });
  const ofMany = validatorCompiler({ ...route, schema: TaskListRequest });
  return (data) => (Array.isArray(data) ? ofMany(data) : ofOne(data));
};

export const EnqueuedReply = z
  .strictObject({
    task_id: z.string(),
    outcome: z
      .enum(["created", "duplicate", "replaced"])
      .describe("duplicate: the id is that of the task which has the key; nothing was written."),
  })
  .meta({ id: "Enqueued" });

/** A field of a row as JSON has it. */
type SentField<Field> = Field extends typeof IsoTime
  ? typeof Time
  : Field extends z.ZodNullable<typeof IsoTime>
    ? z.ZodNullable<typeof Time>
    : Field extends typeof Count
      ? z.ZodNumber
      : Field extends z.ZodNullable<typeof Count>
        ? z.ZodNullable<z.ZodNumber>
        : Field;

/** The schema of a row as `sent` makes it: every column of it, and no other field. */
export function replyOf<Shape extends z.core.$ZodLooseShape>(row: z.ZodObject<Shape>) {
  const fieldOf = (field: unknown): unknown => {
    if (field instanceof z.ZodNullable) {
      const inner = fieldOf(field.unwrap());
      return inner instanceof z.ZodType && inner !== field.unwrap() ? inner.nullable() : field;
    }
    if (field === IsoTime) return Time;
    return field === Count ? z.number() : field;
  };
  const fields = Object.entries(row.shape).map(([name, field]) => [name, fieldOf(field)]);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- The same names, each by fieldOf, which SentField describes.
  const shape = Object.fromEntries(fields) as { [Name in keyof Shape]: SentField<Shape[Name]> };
  return z.strictObject(shape);
}

export const ListedTaskReply = replyOf(ListedRow).meta({ id: "ListedTask" });

export const TaskReply = replyOf(ListedRow)
  .extend({
    payload: z.unknown(),
    result: z.unknown(),
    decision: z.unknown(),
    metadata: z.unknown(),
  })
  .meta({ id: "Task" });

export const HistoryReply = replyOf(HistoryRow).meta({ id: "HistoryEntry" });
export const ReasonReply = replyOf(Reason).meta({ id: "Reason" });
export const DepthReply = replyOf(Depth).meta({ id: "Depth" });
export const PauseReply = replyOf(Pause).meta({ id: "Pause" });
export const WorkerReply = replyOf(WorkerActivity).meta({ id: "Worker" });

export const ScheduleReply = z
  .strictObject({
    schedule: z.string(),
    cron: z.string().nullable(),
    in_words: z.string().nullable().describe("At 02:00, Monday through Friday"),
    time_zone: z.string().nullable(),
    task_type: z.string().nullable(),
    payload: z.unknown(),
    queue: z.string().nullable(),
    backfill_seconds: z.number(),
    line: z.int().nullable(),
    next_run_at: Time.nullable(),
    last_run_at: Time.nullable(),
    last_task_id: z.string().nullable(),
    run_count: z.number(),
    paused_at: Time.nullable(),
  })
  .meta({ id: "Schedule" });

export const Place = z
  .string()
  .regex(PAGE_PLACE, { error: "expected what `next` of the page before says" });

/** A row as it is sent: its points in time as text, as JSON has them. */
export type Sent<Row> = {
  [Name in keyof Row]: Row[Name] extends Date
    ? string
    : Row[Name] extends Date | null
      ? string | null
      : Row[Name];
};

export function sent<Row extends object>(row: Row): Sent<Row> {
  const entries = Object.entries(row).map(([name, value]) => [
    name,
    value instanceof Date ? value.toISOString() : value,
  ]);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- The same names, and of the values only dates are others.
  return Object.fromEntries(entries) as Sent<Row>;
}

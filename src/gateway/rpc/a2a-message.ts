/**
 * Messages of agents: one enqueues a task, or answers the question of one. What of a task A2A has
 * no word for, metadata says: task_type, queue, priority, max_attempts, run_at, dedupe_key.
 */
import { hash, randomUUID } from "node:crypto";
import { z } from "zod";
import { isRecord, toJson } from "../../model/json.ts";
import { checkJson, serializePayload } from "../../model/payload.ts";
import type { NewTask } from "../../model/task.ts";
import { TaskRequest } from "../shapes.ts";

/** Of a message whose metadata names none. */
export const MESSAGE_TASK_TYPE = "message";
/** A message that is sent again within a day is the task that it was. */
const MESSAGE_HELD_MS = 86_400_000;

/** Absent, null and empty are the same: 1.0 leaves out what is empty, or does not. */
const OptionalText = z
  .string()
  .max(512)
  .nullish()
  .transform((given) => (given == null || given === "" ? null : given));
const Labels = z
  .unknown()
  .optional()
  .refine((given) => given == null || isRecord(given), { error: "expected a JSON object" })
  .transform((given) => (isRecord(given) ? given : {}));

/** 0.3 tells by `kind` what a part holds, 1.0 by the field that is there. */
const Part = z.looseObject({ text: z.string().optional(), data: z.unknown().optional() });

const Message = z.looseObject({
  messageId: z.string().min(1).max(512),
  contextId: OptionalText,
  taskId: OptionalText,
  parts: z.array(Part).min(1).max(1_000),
  metadata: Labels,
});

/** Where a task of a message shall be told of. */
const PushTarget = z
  .unknown()
  .optional()
  .transform((given) => (isRecord(given) ? given : null));

export const SendParams = z.looseObject({
  message: Message,
  metadata: Labels,
  configuration: z
    .looseObject({
      blocking: z.boolean().optional(),
      returnImmediately: z.boolean().optional(),
      pushNotificationConfig: PushTarget,
      taskPushNotificationConfig: PushTarget,
    })
    .nullish(),
});
export type SendParams = z.output<typeof SendParams>;

const Wishes = TaskRequest.pick({
  task_type: true,
  queue: true,
  priority: true,
  run_at: true,
  max_attempts: true,
  dedupe_key: true,
})
  .partial()
  .strip();

/**
 * The task of a message. Throws a ZodError for metadata that does not fit, a PayloadError for what
 * cannot be stored. Sent again by the same caller, the same message has the same key.
 */
export function taskOfMessage(
  { message, metadata }: SendParams,
  { caller, maxBytes }: { readonly caller: string; readonly maxBytes: number },
): NewTask {
  const all = { ...metadata, ...message.metadata };
  const wishes = Wishes.parse(all);
  const labels = Object.entries(all).filter(([name]) => !(name in Wishes.shape));
  const kept = {
    ...Object.fromEntries(labels),
    // By which whoever sent it lists what belongs together.
    context_id: message.contextId ?? randomUUID(),
  };
  checkJson(kept, "message.metadata");
  return {
    taskType: wishes.task_type ?? MESSAGE_TASK_TYPE,
    payload: serializePayload(payloadOf(message), { maxBytes }),
    queue: wishes.queue,
    priority: wishes.priority,
    maxAttempts: wishes.max_attempts,
    runAt: wishes.run_at === undefined ? undefined : new Date(wishes.run_at),
    // Its words too: not all who send choose ids that nobody else has chosen.
    dedupeKey:
      wishes.dedupe_key ?? `message ${hash("sha256", `${caller}\n${toJson([message, all])}`)}`,
    dedupeForMs: MESSAGE_HELD_MS,
    metadata: kept,
  };
}

/** The one object that it holds as data, or its text with all of it. */
function payloadOf(message: SendParams["message"]): Readonly<Record<string, unknown>> {
  const [part, ...more] = message.parts;
  if (more.length === 0 && isRecord(part?.data)) {
    return part.data;
  }
  const { metadata: _, ...sent } = message;
  return { text: textOf(message), message: sent };
}

/** What a message says to a task that asked: its data, or its text. */
export function decisionIn(message: SendParams["message"]): unknown {
  const [part, ...more] = message.parts;
  return more.length === 0 && part?.data !== undefined ? part.data : textOf(message);
}

function textOf({ parts }: SendParams["message"]): string {
  return parts.flatMap(({ text }) => (text === undefined ? [] : [text])).join("\n");
}

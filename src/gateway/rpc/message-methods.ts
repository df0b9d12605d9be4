/** Messages by JSON-RPC: a task for each, or the answer that one waits for. */
import { z } from "zod";
import { waitForTask } from "../../client/wait.ts";
import { decideTask } from "../../database/operator.ts";
import { setPushConfig } from "../../database/outbox.ts";
import { enqueueTask } from "../../database/producer.ts";
import { refuseWithout } from "../access.ts";
import { TaskId } from "../shapes.ts";
import { decisionIn, SendParams, taskOfMessage } from "./a2a-message.ts";
import { namedTaskOf } from "./a2a-task.ts";
import { parseParams, type RpcContext, readRow, sentenceOf, wrongParams } from "./methods.ts";
import { receiverOf, refusePrivateUrl } from "./push-methods.ts";

/** How long the answer to a message waits for its task, where the message asks for that. */
const WAIT_MS_MAX = 20_000;

type Params = Readonly<Record<string, unknown>>;

const AnswerParams = z.object({ message: z.object({ taskId: TaskId }) });

export async function sendOne(params: Params, context: RpcContext): Promise<unknown> {
  const { queue, dialect, signal, isQuick } = context;
  const { taskId, isAwaited } = await receiveMessage(params, context);
  if (isAwaited && !isQuick) {
    await waitForRest(context, taskId, signal);
  }
  return namedTaskOf(await queue.read((db) => readRow(db, taskId)), dialect);
}

/** Enqueue the task of a message, or answer the question of the one that it names. */
export async function receiveMessage(
  params: Params,
  context: RpcContext,
): Promise<{ readonly taskId: string; readonly isAwaited: boolean }> {
  const { queue, caller, dialect, maxPayloadBytes: maxBytes } = context;
  const given = parseParams(SendParams, params);
  const { configuration, message } = given;
  // 1.0 waits unless it is told not to, 0.3 the other way round.
  const isAwaited =
    dialect === "1.0"
      ? configuration?.returnImmediately !== true
      : configuration?.blocking === true;
  if (message.taskId !== null) {
    const id = parseParams(AnswerParams, params).message.taskId;
    await queue.write(caller, async (db) => {
      const { status } = await readRow(db, id);
      if (status !== "needs_decision") {
        throw wrongParams(`params.message.taskId: task ${id} asks for nothing, it is ${status}`);
      }
      refuseWithout("operate", caller);
      await decideTask(db, id, decisionIn(message));
    });
    return { taskId: id, isAwaited };
  }
  let task: ReturnType<typeof taskOfMessage>;
  try {
    task = taskOfMessage(given, { caller: caller.name, maxBytes });
  } catch (err) {
    throw err instanceof z.ZodError ? wrongParams(sentenceOf(err, "params.message.metadata")) : err;
  }
  const { webhook } = task.metadata ?? {};
  if (typeof webhook === "string") {
    await refusePrivateUrl(webhook, context);
  }
  const target =
    configuration?.pushNotificationConfig ?? configuration?.taskPushNotificationConfig ?? null;
  const receiver = target === null ? null : await receiverOf(target, context);
  if (receiver === null) {
    const { taskId } = await queue.enqueue(caller, task);
    return { taskId, isAwaited };
  }
  const { taskId } = await queue.write(caller, async (db) => {
    const enqueued = await enqueueTask(db, task);
    // Of a message that is sent again, the task has it already.
    if (enqueued.outcome === "created") {
      await setPushConfig(db, enqueued.taskId, receiver);
    }
    return enqueued;
  });
  return { taskId, isAwaited };
}

/** Until a task is final or asks something; no longer than a request may take. */
async function waitForRest(
  { queue }: Pick<RpcContext, "queue">,
  taskId: string,
  signal: AbortSignal,
): Promise<void> {
  const asks = new AbortController();
  await waitForTask(queue.reader, taskId, {
    timeoutMs: WAIT_MS_MAX,
    signal: AbortSignal.any([signal, asks.signal]),
    onProgress: ({ status }) => {
      if (status === "needs_decision") asks.abort();
      return Promise.resolve();
    },
  }).catch((err: unknown) => {
    // It goes on: the answer says how far it is.
    if (!asks.signal.aborted && !(err instanceof Error && err.name === "WaitTimeoutError"))
      throw err;
  });
}

/** The methods of JSON-RPC, by each of their names, and what each asks of a key. */
import { z } from "zod";
import { waitForTask } from "../../client/wait.ts";
import type { Database } from "../../database/database.ts";
import { cancelTask, decideTask } from "../../database/operator.ts";
import { enqueueTask } from "../../database/producer.ts";
import { countTasks, getTask, PAGE_PLACE, pageTasks } from "../../database/reader.ts";
import type { TaskRow } from "../../database/rows.ts";
import { refuseWithout } from "../access.ts";
import type { GatewayParts } from "../gateway.ts";
import type { Caller, KeyRole } from "../keys.ts";
import { Refusal } from "../refusal.ts";
import { TaskId } from "../shapes.ts";
import { decisionIn, SendParams, taskOfMessage } from "./a2a-message.ts";
import { type Dialect, namedTaskOf, statusOfState, taskOf } from "./a2a-task.ts";
import { RPC_CODES, RpcError } from "./json-rpc.ts";

/** How long the answer to a message waits for its task, where the message asks for that. */
const WAIT_MS_MAX = 20_000;
/** Beyond that a list does not count how many there are. */
const TOTAL_MAX = 10_000;

export type RpcContext = Pick<GatewayParts, "queue" | "maxPayloadBytes"> & {
  readonly caller: Caller;
  readonly dialect: Dialect;
  /** Aborts when whoever asked is gone. */
  readonly signal: AbortSignal;
  /** Of a batch and of a notification: nothing is waited for. */
  readonly isQuick: boolean;
};

type Params = Readonly<Record<string, unknown>>;
type Answering = (params: Params, context: RpcContext) => Promise<unknown>;

/** What a name stands for: an answer, or the id of a task whose events are the answer. */
type Work =
  | { readonly answer: Answering }
  | { readonly follow: (params: Params, context: RpcContext) => Promise<string> };

type RpcMethod = Work & { readonly role: KeyRole; readonly dialect: Dialect };

type Named = Work & {
  /** Of 0.3, with `/` in it, or with dots: `tasks/get` is `tasks.get` too. */
  readonly older: readonly string[];
  /** Of A2A 1.0. */
  readonly newer: readonly string[];
  readonly role: KeyRole;
};

const METHODS: readonly Named[] = [
  { older: ["tasks/get"], newer: ["GetTask"], role: "read", answer: getOne },
  { older: ["tasks/list"], newer: ["ListTasks"], role: "read", answer: listSome },
  { older: ["tasks/cancel"], newer: ["CancelTask"], role: "operate", answer: cancelOne },
  { older: ["message/send"], newer: ["SendMessage"], role: "enqueue", answer: sendOne },
  {
    older: ["message/stream"],
    newer: ["SendStreamingMessage"],
    role: "enqueue",
    follow: async (params, context) => (await receive(params, context)).taskId,
  },
  {
    older: ["tasks/resubscribe", "tasks/subscribe"],
    newer: ["SubscribeToTask"],
    role: "read",
    follow: (params) => Promise.resolve(idOf(params)),
  },
];

/** Every name that there is. */
const RPC_METHODS: ReadonlyMap<string, RpcMethod> = new Map(
  METHODS.flatMap(({ older, newer, ...method }): [string, RpcMethod][] => [
    ...older.flatMap((name): [string, RpcMethod][] => [
      [name, { ...method, dialect: "0.3" }],
      [name.replaceAll("/", "."), { ...method, dialect: "0.3" }],
    ]),
    ...newer.map((name): [string, RpcMethod] => [name, { ...method, dialect: "1.0" }]),
  ]),
);

/** The method of a name, for whoever may call it. Throws an RpcError, or a Refusal (403). */
export function rpcMethodOf(name: string, caller: Caller): RpcMethod {
  const method = RPC_METHODS.get(name);
  if (method === undefined) {
    throw new RpcError(
      RPC_CODES.unknownMethod,
      `There is no method ${JSON.stringify(name.slice(0, 100))}.`,
      {
        error: "unknown_method",
        hint: `there are ${METHODS.flatMap(({ older }) => older.slice(0, 1)).join(", ")}`,
      },
    );
  }
  refuseWithout(method.role, caller);
  return method;
}

async function getOne(params: Params, { queue, dialect }: RpcContext): Promise<unknown> {
  const id = idOf(params);
  return taskOf(await queue.read((db) => readRow(db, id)), dialect);
}

/** 0 is no page, and the default. */
const ListParams = z.looseObject({
  contextId: z.string().max(512).nullish(),
  status: z.string().max(100).nullish(),
  pageSize: z.int().min(0).max(100).nullish(),
  pageToken: z
    .string()
    .refine((given) => given === "" || PAGE_PLACE.test(given), {
      error: "expected nextPageToken of the page before",
    })
    .nullish(),
  includeArtifacts: z.boolean().nullish(),
});
const PAGE_ROWS = 50;

async function listSome(params: Params, { queue, dialect }: RpcContext): Promise<unknown> {
  const given = parse(ListParams, params);
  const state =
    given.status == null || /^(?:|TASK_STATE_UNSPECIFIED)$/.test(given.status)
      ? null
      : given.status;
  const status = state === null ? undefined : statusOfState(state);
  if (state !== null && status === undefined) {
    throw wrongParams(`params.status: there is no state ${JSON.stringify(state)}`);
  }
  const filter = { contextId: textIn(given.contextId), status };
  const limit = given.pageSize == null || given.pageSize === 0 ? PAGE_ROWS : given.pageSize;
  return await queue.read(async (db) => {
    const page = await pageTasks(db, { ...filter, limit, after: textIn(given.pageToken) });
    const tasks = [];
    for (const { task_id: id } of page.rows) {
      const row = await getTask(db, id, { decimals: "kept" });
      if (row !== null)
        tasks.push(taskOf(row, dialect, { isWhole: given.includeArtifacts === true }));
    }
    return {
      tasks,
      nextPageToken: page.next ?? "",
      pageSize: limit,
      totalSize: await countTasks(db, { ...filter, countMax: TOTAL_MAX }),
    };
  });
}

async function cancelOne(params: Params, { queue, caller, dialect }: RpcContext): Promise<unknown> {
  const id = idOf(params);
  return await queue.write(caller, async (db) => {
    await readRow(db, id);
    try {
      await cancelTask(db, id);
    } catch (err) {
      throw isIllegal(err)
        ? new RpcError(RPC_CODES.notCancelable, `Task ${id} has ended.`, {
            error: "illegal_transition",
            hint: "only a task that waits or runs is cancelled",
          })
        : err;
    }
    return taskOf(await readRow(db, id), dialect);
  });
}

async function sendOne(params: Params, context: RpcContext): Promise<unknown> {
  const { queue, dialect, signal, isQuick } = context;
  const { taskId, isAwaited } = await receive(params, context);
  if (isAwaited && !isQuick) {
    await waitForRest(context, taskId, signal);
  }
  return namedTaskOf(await queue.read((db) => readRow(db, taskId)), dialect);
}

/** Enqueue the task of a message, or answer the question of the one that it names. */
async function receive(
  params: Params,
  { queue, caller, dialect, maxPayloadBytes: maxBytes }: RpcContext,
): Promise<{ readonly taskId: string; readonly isAwaited: boolean }> {
  const given = parse(SendParams, params);
  const { configuration, message } = given;
  // 1.0 waits unless it is told not to, 0.3 the other way round.
  const isAwaited =
    dialect === "1.0"
      ? configuration?.returnImmediately !== true
      : configuration?.blocking === true;
  if (message.taskId !== null) {
    const id = parse(z.object({ message: z.object({ taskId: TaskId }) }), params).message.taskId;
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
  const { taskId } = await queue.write(caller, (db) => enqueueTask(db, task));
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

export async function readRow(db: Database, taskId: string): Promise<TaskRow> {
  const row = await getTask(db, taskId, { decimals: "kept" });
  if (row === null) {
    throw new Refusal(404, "unknown_task", `There is no task ${taskId}.`, {
      hint: "GET /api/tasks lists the newest",
    });
  }
  return row;
}

/** `id`, as A2A has it, or `taskId`. */
function idOf(params: Params): string {
  const given = params["id"] ?? params["taskId"] ?? params["task_id"];
  const text = typeof given === "number" || typeof given === "bigint" ? String(given) : given;
  return parse(z.object({ id: TaskId }), { id: text }).id;
}

function textIn(given: string | null | undefined): string | undefined {
  return given == null || given === "" ? undefined : given;
}

function isIllegal(err: unknown): boolean {
  return err instanceof Error && Reflect.get(err, "code") === "TR002";
}

function wrongParams(message: string): RpcError {
  return new RpcError(RPC_CODES.wrongParams, message, {
    error: "invalid_request",
    hint: "docs/http.md has the parameters of each method",
  });
}

/** Throws an RpcError that names what does not fit. */
function parse<Type extends z.ZodType>(type: Type, params: unknown): z.output<Type> {
  const { success, data, error } = type.safeParse(params);
  if (!success) {
    throw wrongParams(sentenceOf(error, "params"));
  }
  return data;
}

function sentenceOf({ issues }: z.ZodError, place: string): string {
  return issues.map(({ path, message }) => `${[place, ...path].join(".")}: ${message}`).join("; ");
}

/** What the methods of JSON-RPC do with tasks and messages. */
import { z } from "zod";
import type { Database } from "../../database/database.ts";
import { cancelTask } from "../../database/operator.ts";
import { countTasks, getTask, PAGE_PLACE, pageTasks } from "../../database/reader.ts";
import type { TaskRow } from "../../database/rows.ts";
import type { GatewayParts } from "../gateway.ts";
import type { Caller } from "../keys.ts";
import { Refusal } from "../refusal.ts";
import { TaskId } from "../shapes.ts";
import { type Dialect, statusOfState, taskOf } from "./a2a-task.ts";
import { RPC_CODES, RpcError } from "./json-rpc.ts";

/** Beyond that a list does not count how many there are. */
const TOTAL_MAX = 10_000;

export type RpcContext = Pick<GatewayParts, "queue" | "maxPayloadBytes" | "allowPrivate"> & {
  readonly caller: Caller;
  readonly dialect: Dialect;
  /** Aborts when whoever asked is gone. */
  readonly signal: AbortSignal;
  /** Of a batch and of a notification: nothing is waited for. */
  readonly isQuick: boolean;
};

type Params = Readonly<Record<string, unknown>>;

export async function getOne(params: Params, { queue, dialect }: RpcContext): Promise<unknown> {
  const id = taskIdIn(params);
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

export async function listSome(
  params: Params,
  { queue, caller, dialect }: RpcContext,
): Promise<unknown> {
  const given = parseParams(ListParams, params);
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
  const { answer } = await queue.browse(
    async (db) => {
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
    },
    { caller },
  );
  return answer;
}

export async function cancelOne(
  params: Params,
  { queue, caller, dialect }: RpcContext,
): Promise<unknown> {
  const id = taskIdIn(params);
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

export async function readRow(db: Database, taskId: string): Promise<TaskRow> {
  const row = await getTask(db, taskId, { decimals: "kept" });
  if (row === null) {
    throw new Refusal(404, "unknown_task", `There is no task ${taskId}.`, {
      hint: "GET /api/tasks lists the newest",
    });
  }
  return row;
}

/** `taskId`, or `id`, as A2A has it. */
export function taskIdIn(params: Params): string {
  const given = params["taskId"] ?? params["task_id"] ?? params["id"];
  const text = typeof given === "number" || typeof given === "bigint" ? String(given) : given;
  return parseParams(WithTaskId, { id: text }).id;
}

const WithTaskId = z.object({ id: TaskId });

function textIn(given: string | null | undefined): string | undefined {
  return given == null || given === "" ? undefined : given;
}

function isIllegal(err: unknown): boolean {
  return err instanceof Error && Reflect.get(err, "code") === "TR002";
}

export function wrongParams(message: string): RpcError {
  return new RpcError(RPC_CODES.wrongParams, message, {
    error: "invalid_request",
    hint: "docs/http.md has the parameters of each method",
  });
}

/** Throws an RpcError that names what does not fit. */
export function parseParams<Type extends z.ZodType>(type: Type, params: unknown): z.output<Type> {
  const { success, data, error } = type.safeParse(params);
  if (!success) {
    throw wrongParams(sentenceOf(error, "params"));
  }
  return data;
}

export function sentenceOf({ issues }: z.ZodError, place: string): string {
  return issues.map(({ path, message }) => `${[place, ...path].join(".")}: ${message}`).join("; ");
}

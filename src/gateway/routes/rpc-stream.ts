/** A task, and each of its transitions, as answers of JSON-RPC that follow each other. */
import type { FastifyReply } from "fastify";
import { FollowEnded } from "../../client/follower.ts";
import { newestTransition } from "../../database/history.ts";
import type { TaskRow, Transition } from "../../database/rows.ts";
import { isFinal, TASK_STATUSES } from "../../model/task-status.ts";
import { EventStream } from "../events/event-stream.ts";
import type { GatewayParts } from "../gateway.ts";
import type { Caller } from "../keys.ts";
import { artifactUpdatesOf, type Dialect, namedTaskOf, statusUpdateOf } from "../rpc/a2a-task.ts";
import { RPC_CODES, RpcError, type RpcId, rpcFailure, rpcResult } from "../rpc/json-rpc.ts";
import { readRow } from "../rpc/methods.ts";
import { refusalOfBegin } from "./events.ts";

type Parts = Pick<GatewayParts, "queue" | "events" | "streams" | "closing" | "limits">;

/**
 * Answer with the task as it is, and go on until it is final. Throws, before anything is sent,
 * what a request would throw.
 */
export async function streamTaskByRpc(
  reply: FastifyReply,
  parts: Parts,
  wanted: {
    readonly taskId: string;
    readonly id: RpcId;
    readonly caller: Caller;
    readonly dialect: Dialect;
  },
): Promise<void> {
  const { queue, events, streams, closing, limits } = parts;
  const { taskId, id, caller, dialect } = wanted;
  streams.take(caller, reply);
  const over = new AbortController();
  reply.raw.once("close", () => over.abort());
  try {
    const signal = AbortSignal.any([closing, over.signal]);
    const follower = await events.begin({ taskId }, signal);
    // Before the look: what it shows more than that is told once more, and nothing is missed.
    const { row, seen } = await queue.read(async (db) => {
      const newest = await newestTransition(db, taskId);
      return { row: await readRow(db, taskId), seen: newest };
    });
    const stream = new EventStream(reply, limits);
    const send = (result: unknown) => stream.write(frame(rpcResult(id, result)));
    send(namedTaskOf(row, dialect));
    if (isFinal(row.status)) {
      over.abort();
      void stream.end("");
      return;
    }
    follower.beginAfter(BigInt(seen));
    void pump(stream, follower, { ...wanted, queue, closing, send });
  } catch (err) {
    over.abort();
    throw refusalOfBegin(err);
  }
}

type Pumped = Pick<GatewayParts, "queue" | "closing"> & {
  readonly taskId: string;
  readonly id: RpcId;
  readonly dialect: Dialect;
  readonly send: (result: unknown) => void;
};

async function pump(
  stream: EventStream,
  follower: AsyncIterable<Transition> & { readonly cut: AbortSignal },
  { queue, closing, taskId, id, dialect, send }: Pumped,
): Promise<void> {
  try {
    for await (const transition of follower) {
      const row = rowAt(transition, await queue.read((db) => readRow(db, taskId)));
      for (const update of artifactUpdatesOf(row, dialect)) {
        send(update);
      }
      send(statusUpdateOf(row, dialect));
      if (isFinal(row.status)) {
        await stream.end("");
        return;
      }
      if (!(await stream.hasRoom(follower.cut))) {
        throw new FollowEnded("slow");
      }
    }
    if (closing.aborted) {
      throw new FollowEnded("closing");
    }
  } catch {
    const again = new RpcError(RPC_CODES.overloaded, "The stream ends before the task.", {
      error: "reconnect",
      hint: "subscribe to the task again",
    });
    await stream.end(frame(rpcFailure(id, again)));
  }
}

/** A task as it was behind a transition, with what only the task itself has. */
function rowAt({ status: word, error, occurred_at }: Transition, row: TaskRow): TaskRow {
  const status = TASK_STATUSES.find((known) => known === word) ?? row.status;
  return status === row.status
    ? row
    : { ...row, status, error, ended_at: new Date(occurred_at), result: null };
}

function frame(text: string): string {
  return `data: ${text}\n\n`;
}

import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { FollowEnded, type Follower, UnknownTransition } from "../../client/follower.ts";
import type { Database } from "../../database/database.ts";
import { newestTransition } from "../../database/history.ts";
import { getTask } from "../../database/reader.ts";
import type { TaskRow, Transition } from "../../database/rows.ts";
import { isFinal, TASK_STATUSES } from "../../model/task-status.ts";
import { callerIn } from "../access.ts";
import { EventStream, eventText } from "../events/event-stream.ts";
import { FAILURES } from "../failures.ts";
import type { Gateway, GatewayParts } from "../gateway.ts";
import { RETRY_AFTER_SECONDS, Refusal } from "../refusal.ts";
import { Name, sent, TaskPath } from "../shapes.ts";
import { noSuchTask } from "./tasks.ts";

/** Looks at a task until it is found between two transitions. */
const LOOKS_MAX = 5;

const Text = z
  .string()
  .describe(
    "text/event-stream. `task`: the task as it is now. `transition`: a row of its history, with its " +
      "id as that of the event. `database`: away or back. `end`: the task is final. `reconnect`: " +
      "the stream ends, and goes on behind the newest id for whoever connects again.",
  );
const After = z.string().max(30).optional().describe("As Last-Event-ID, which counts before it");
const LastEventId = z.looseObject({
  "last-event-id": z
    .string()
    .max(30)
    .optional()
    .describe("Go on behind the transition of this history id"),
});
const answers = {
  200: Text,
  204: z.null().describe("The task was final by the transition of Last-Event-ID"),
  410: FAILURES[400].describe("Retention has dropped what came after Last-Event-ID"),
  ...FAILURES,
};
const config = { role: "read", isStream: true } as const;

/** `GET /api/tasks/{id}/events` and `GET /api/events`: what happens, as it happens. */
export function eventRoutes(app: Gateway, parts: GatewayParts): void {
  app.get(
    "/api/tasks/:id/events",
    {
      config,
      exposeHeadRoute: false,
      schema: {
        summary: "A task as it is, then each of its transitions, until it is final",
        tags: ["events"],
        params: TaskPath,
        querystring: z.strictObject({ after: After }),
        headers: LastEventId,
        response: answers,
      },
    },
    async (request, reply) => {
      const after = afterIn(request.headers["last-event-id"], request.query.after);
      await streamTask(request, reply, parts, { taskId: request.params.id, after });
    },
  );

  app.get(
    "/api/events",
    {
      config,
      exposeHeadRoute: false,
      schema: {
        summary: "Each transition of all tasks, or those of a queue or type",
        tags: ["events"],
        querystring: z.strictObject({
          queue: Name.optional(),
          type: Name.optional(),
          after: After,
        }),
        headers: LastEventId,
        response: answers,
      },
    },
    async (request, reply) => {
      const { queue, type } = request.query;
      const after = afterIn(request.headers["last-event-id"], request.query.after);
      await streamAll(request, reply, parts, { queue, taskType: type, after });
    },
  );
}

/** An EventSource that has had no event yet may send an empty one. */
function afterIn(header: string | undefined, query: string | undefined): string | undefined {
  return [header, query].find((text) => text !== undefined && text !== "");
}

type Wanted = {
  readonly taskId?: string | undefined;
  readonly queue?: string | undefined;
  readonly taskType?: string | undefined;
  readonly after: string | undefined;
};

async function streamTask(
  request: FastifyRequest,
  reply: FastifyReply,
  parts: GatewayParts,
  wanted: Wanted & { readonly taskId: string },
): Promise<void> {
  const { taskId, after } = wanted;
  const opened = await open(request, reply, parts, wanted);
  const { task, id } = await parts.queue.read((db) => taskAt(db, taskId));
  if (task === null) {
    opened.leave();
    throw noSuchTask(taskId);
  }
  if (after !== undefined && isFinal(task.status) && BigInt(id) <= BigInt(after)) {
    // An EventSource that connects again after the end is told so: it would go on for ever.
    opened.leave();
    reply.code(204).send();
    return;
  }
  const stream = opened.start();
  if (after === undefined) {
    opened.follower.beginAfter(BigInt(id));
    stream.write(eventText("task", sent(task), id));
    if (isFinal(task.status)) {
      opened.leave();
      void stream.end(eventText("end", { status: task.status }));
      return;
    }
  }
  void pump(stream, opened.follower, parts.closing, { isOfTask: true });
}

async function streamAll(
  request: FastifyRequest,
  reply: FastifyReply,
  parts: GatewayParts,
  wanted: Wanted,
): Promise<void> {
  const { follower, start } = await open(request, reply, parts, wanted);
  const stream = start();
  if (wanted.after === undefined) {
    // With an id, so that whoever connects again before the first transition misses none.
    const { queue = null, taskType: type = null } = wanted;
    stream.write(eventText("begin", { queue, type }, follower.cursor));
  }
  void pump(stream, follower, parts.closing, { isOfTask: false });
}

/** Follow, and have a response that nothing was written to yet. */
async function open(
  request: FastifyRequest,
  reply: FastifyReply,
  { events, closing, streams, limits }: GatewayParts,
  wanted: Wanted,
) {
  streams.take(callerIn(request), reply);
  const over = new AbortController();
  reply.raw.once("close", () => over.abort());
  let stream: EventStream | null = null;
  const onAway = (isAway: boolean) =>
    stream?.write(eventText("database", { state: isAway ? "away" : "back" }));
  try {
    const signal = AbortSignal.any([closing, over.signal]);
    const follower = await events.begin({ ...wanted, onAway }, signal);
    return {
      follower,
      leave: () => over.abort(),
      start: () => {
        stream = new EventStream(reply, limits);
        return stream;
      },
    };
  } catch (err) {
    over.abort();
    throw refusalOfBegin(err);
  }
}

/** Send what the follower tells until its task is final, or there is no telling more. */
async function pump(
  stream: EventStream,
  follower: Follower,
  closing: AbortSignal,
  { isOfTask }: { readonly isOfTask: boolean },
): Promise<void> {
  try {
    for await (const transition of follower) {
      stream.write(frameOf(transition));
      const status = TASK_STATUSES.find((known) => known === transition.status);
      if (isOfTask && status !== undefined && isFinal(status)) {
        await stream.end(eventText("end", { status }));
        return;
      }
      if (!(await stream.hasRoom(follower.cut))) {
        throw new FollowEnded("slow");
      }
    }
    if (closing.aborted) {
      throw new FollowEnded("closing");
    }
  } catch (err) {
    const reason = err instanceof FollowEnded ? err.reason : "failed";
    await stream.end(eventText("reconnect", { reason }));
  }
}

const frames = new WeakMap<Transition, string>();

/** The same text for all who are told of it. */
function frameOf(transition: Transition): string {
  const known = frames.get(transition);
  if (known !== undefined) {
    return known;
  }
  const text = eventText("transition", transition, transition.id);
  frames.set(transition, text);
  return text;
}

/** A task, and the newest transition that it shows. */
async function taskAt(
  db: Database,
  taskId: string,
): Promise<{ readonly task: TaskRow | null; readonly id: string }> {
  let id = await newestTransition(db, taskId);
  for (let looks = 1; ; looks += 1) {
    const task = await getTask(db, taskId, { decimals: "kept" });
    const newest = await newestTransition(db, taskId);
    if (newest === id || looks === LOOKS_MAX) {
      return { task, id };
    }
    id = newest;
  }
}

/** What a client is told of a stream that cannot begin. */
export function refusalOfBegin(err: unknown): unknown {
  if (err instanceof FollowEnded) {
    return new Refusal(503, "not_ready", "The gateway is about to end.", {
      hint: "connect again",
      retryAfter: RETRY_AFTER_SECONDS,
    });
  }
  if (!(err instanceof UnknownTransition)) {
    return err;
  }
  return err.reason === "dropped"
    ? new Refusal(410, "history_dropped", err.message, {
        hint: "connect without Last-Event-ID: the stream begins with how it is now",
      })
    : new Refusal(400, "invalid_request", `Last-Event-ID: ${err.message}`, {
        hint: "send the id of an event of this stream, or none",
      });
}

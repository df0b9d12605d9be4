import type { FastifyReply, FastifyRequest } from "fastify";
import type { Database } from "../database/database.ts";
import type { ReadFrom } from "../database/replica.ts";
import { callerIn } from "./access.ts";
import type { QueueDoor } from "./queue-door.ts";

/**
 * Look over what a list shows, by `QueueDoor.browse`, and say in headers who answered. A request
 * with `Cache-Control: no-cache` has the primary asked.
 */
export async function browseFor<Answer>(
  queue: QueueDoor,
  { request, reply }: { readonly request: FastifyRequest; readonly reply: FastifyReply },
  work: (db: Database) => Promise<Answer>,
): Promise<Answer> {
  const { answer, from } = await queue.browse(work, {
    caller: callerIn(request),
    isNow: request.headers["cache-control"]?.includes("no-cache") === true,
  });
  if (from !== null) {
    reply.headers(headersOf(from));
  }
  return answer;
}

function headersOf(from: ReadFrom): Record<string, string> {
  return from.by === "replica"
    ? { "x-read-from": "replica", "x-read-lag-ms": String(from.lagMs) }
    : { "x-read-from": `primary; reason=${from.reason}` };
}

import type { FastifyReply } from "fastify";

/**
 * Aborts when the answer is sent, or nobody is there any more to read it. Not `request.signal`: that of
 * a request with a body aborts as soon as the body is read.
 */
export function signalOf(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once("close", () => gone.abort(new Error("whoever asked is gone")));
  return gone.signal;
}

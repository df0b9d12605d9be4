// Goal: a stream ends in time, also where its client takes nothing.

import { once } from "node:events";
import { connect } from "node:net";
import { fastify } from "fastify";
import { expect, test, vi } from "vitest";
import { EventStream } from "../../../../src/gateway/events/event-stream.ts";
import { GATEWAY_LIMITS } from "../../../../src/gateway/limits.ts";

/** More than kernels keep for a client that reads nothing. */
const MORE_THAN_BUFFERS = "x".repeat(32_000_000);

test("a client that takes nothing is disconnected at the end of its stream", async () => {
  await using app = fastify();
  const streams: EventStream[] = [];
  app.get("/", (_request, reply) => {
    const stream = new EventStream(reply, { ...GATEWAY_LIMITS, drainMs: 100 });
    streams.push(stream);
    stream.write(MORE_THAN_BUFFERS);
    void stream.end("bye");
  });
  const address = await app.listen({ host: "127.0.0.1", port: 0 });
  const socket = connect(Number(new URL(address).port), "127.0.0.1");
  await once(socket, "connect");
  // It is cut in the middle of an answer.
  socket.on("error", () => undefined);
  socket.pause();
  socket.write("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");

  await vi.waitUntil(() => streams.length === 1);
  await expect.poll(() => streams[0]?.gone.aborted, { timeout: 10_000 }).toBe(true);
  socket.destroy();
});

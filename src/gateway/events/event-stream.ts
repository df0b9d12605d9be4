/** One response that goes on: server-sent events, kept alive, and cut where the client is slow. */
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import type { FastifyReply } from "fastify";
import { toJson } from "../../model/json.ts";
import { waitAtMost } from "../../system/wait-at-most.ts";
import type { StreamLimits } from "../gateway.ts";

const HEADERS = {
  "content-type": "text/event-stream; charset=utf-8",
  // Compressed, or kept by a proxy, an event would wait for those after it.
  "cache-control": "no-store, no-transform",
  "x-accel-buffering": "no",
  // One that falls idle while the server closes would delay it.
  connection: "close",
};

/** Between these, by chance: many clients lose a gateway together. */
const RETRY_MS_MIN = 1_000;
const RETRY_MS_MAX = 4_000;

/** An event as text. `data` is one line of JSON. */
export function eventText(event: string, data: unknown, id?: string): string {
  const named = id === undefined ? "" : `id: ${id}\n`;
  return `${named}event: ${event}\ndata: ${toJson(data)}\n\n`;
}

/** Takes the response over: from here on, no hook and no serializer has it. */
export class EventStream {
  readonly #raw: ServerResponse;
  readonly #limits: StreamLimits;
  readonly #gone = new AbortController();
  readonly #keepAlive: NodeJS.Timeout;

  constructor(reply: FastifyReply, limits: StreamLimits) {
    this.#raw = reply.raw;
    this.#limits = limits;
    reply.hijack();
    const headers = Object.entries({ ...reply.getHeaders(), ...HEADERS });
    for (const [name, value] of headers) {
      if (value !== undefined) {
        this.#raw.setHeader(name, value);
      }
    }
    this.#raw.writeHead(200);
    const retryMs = RETRY_MS_MIN + Math.random() * (RETRY_MS_MAX - RETRY_MS_MIN);
    this.#raw.write(`retry: ${Math.round(retryMs)}\n\n`);
    this.#keepAlive = setInterval(() => this.#beat(), limits.keepAliveMs);
    this.#raw.on("error", () => undefined);
    this.#raw.once("close", () => {
      clearInterval(this.#keepAlive);
      this.#gone.abort();
    });
  }

  /** Aborts when the client is gone, or was cut. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** Whether the client takes what is sent: nothing more should be sent unless `hasRoom`. */
  write(text: string): void {
    if (!this.#gone.signal.aborted) {
      this.#raw.write(text);
    }
  }

  /** Resolves when there is room for more; to false where the client is gone or does not take it. */
  async hasRoom(until: AbortSignal): Promise<boolean> {
    if (this.#raw.writableLength <= this.#limits.waitingBytesMax) {
      return !this.#gone.signal.aborted;
    }
    const signal = AbortSignal.any([
      until,
      this.#gone.signal,
      AbortSignal.timeout(this.#limits.drainMs),
    ]);
    return await once(this.#raw, "drain", { signal }).then(
      () => true,
      () => false,
    );
  }

  /** Send this last, and end: at once where the client does not take it in time. */
  async end(text: string): Promise<void> {
    clearInterval(this.#keepAlive);
    if (this.#gone.signal.aborted) {
      return;
    }
    this.#raw.end(text);
    const closed = once(this.#raw, "close").catch(() => undefined);
    await waitAtMost(this.#limits.drainMs, closed);
    this.#raw.destroy();
  }

  #beat(): void {
    // A client that takes nothing is not kept alive by more of it.
    if (this.#raw.writableLength <= this.#limits.waitingBytesMax) {
      this.write(": keep-alive\n\n");
    }
  }
}

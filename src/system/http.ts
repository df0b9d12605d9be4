import { once } from "node:events";
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { BreakerConfig } from "../settings/effects.ts";
import { lookupPublic, refusePrivateLiteral } from "./private-address.ts";

/** One call: connecting, sending and reading together. */
const CALL_MS_MAX = 15_000;
/** Of an answer; a list of a hundred issues with long bodies is about six. */
const ANSWER_BYTES_MAX = 16_777_216;

export type HttpRequest = {
  readonly method: "GET" | "POST";
  /** http or https. May be a secret: no error tells more of it than the host. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON. */
  readonly body?: string;
  /** Whether private and link-local addresses are out of bounds. */
  readonly guarded: boolean;
  /** Of the answer. @default ANSWER_BYTES_MAX */
  readonly bytesMax?: number;
};

export type HttpResponse = {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
};

/**
 * Send a request and read the answer, whatever its status. Follows no redirect: it could lead
 * where the request itself may not go, with its credentials. Rejects with a PermanentError
 * for an address out of bounds, else with the error of the network.
 */
export async function sendRequest(
  { method, url: address, headers, body, guarded, bytesMax = ANSWER_BYTES_MAX }: HttpRequest,
  signal: AbortSignal,
): Promise<HttpResponse> {
  const url = new URL(address);
  if (guarded) {
    refusePrivateLiteral(url);
  }
  // Loaded by the first call: with them Node loads its WebSocket and fetch, which every process of
  // ours would have for nothing, a tenth of the time that a worker takes to start.
  const { request } = await (url.protocol === "https:"
    ? import("node:https")
    : import("node:http"));
  const call = request(url, {
    method,
    headers: {
      "user-agent": "triaged",
      accept: "application/json",
      ...(body === undefined
        ? {}
        : { "content-type": "application/json", "content-length": Buffer.byteLength(body) }),
      ...headers,
    },
    signal: AbortSignal.any([signal, AbortSignal.timeout(CALL_MS_MAX)]),
    ...(guarded ? { lookup: lookupPublic } : {}),
    // A connection of its own: one that is kept alive may be closed as the request leaves.
    agent: false,
  });
  call.end(body);
  const [answer]: IncomingMessage[] = await once(call, "response");
  if (answer === undefined) {
    throw new Error("expected an answer, got none");
  }
  const text = await textOf(answer, bytesMax);
  return { status: answer.statusCode ?? 0, headers: answer.headers, text };
}

async function textOf(answer: IncomingMessage, bytesMax: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer) {
    const buffer = Buffer.from(chunk);
    bytes += buffer.length;
    if (bytes > bytesMax) {
      answer.destroy();
      throw new Error(`the answer has more than ${bytesMax} bytes`);
    }
    chunks.push(buffer);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** What is asked for beyond that is shortened: a wrong clock or header must not end an effect. */
const WAIT_MS_MAX = 6 * 3_600_000;

/**
 * How long an answer asks to wait, in milliseconds; null where it does not. By Retry-After, in
 * seconds or as a date, else by GitHub's headers of a budget that is used up.
 */
export function retryAfterMs(headers: IncomingHttpHeaders, now: number): number | null {
  const after = headers["retry-after"];
  if (after !== undefined) {
    const at = /^\d+$/.test(after) ? now + Number(after) * 1_000 : Date.parse(after);
    return Number.isNaN(at) ? null : bounded(at - now);
  }
  const reset = Number(headers["x-ratelimit-reset"]);
  return headers["x-ratelimit-remaining"] === "0" && Number.isFinite(reset)
    ? bounded(reset * 1_000 - now)
    : null;
}

function bounded(ms: number): number {
  return Math.min(Math.max(ms, 0), WAIT_MS_MAX);
}

type Host = { failedAt: number[]; openUntil: number };

/** Hosts remembered at a time; beyond that the one that failed first is forgotten. */
const HOSTS_MAX = 1_000;

/**
 * Leaves a host alone after too many failures within a window. Once the pause is over calls
 * go through again, and what failed before the pause is forgotten.
 */
export class CircuitBreaker {
  readonly #config: BreakerConfig;
  readonly #now: () => number;
  readonly #hosts = new Map<string, Host>();

  constructor(config: BreakerConfig, now: () => number = () => performance.now()) {
    this.#config = config;
    this.#now = now;
  }

  /** Milliseconds until the host may be called again; 0: now. */
  pauseOf(host: string): number {
    return Math.max(0, (this.#hosts.get(host)?.openUntil ?? 0) - this.#now());
  }

  /** A call that the host did not answer, or answered with an error of its own. */
  failed(host: string): void {
    const { failuresMax, windowMs, pauseMs } = this.#config;
    const now = this.#now();
    const known = this.#hosts.get(host) ?? { failedAt: [], openUntil: 0 };
    known.failedAt = [...known.failedAt.filter((at) => at > now - windowMs), now];
    if (known.failedAt.length >= failuresMax) {
      known.failedAt = [];
      known.openUntil = now + pauseMs;
    }
    this.#hosts.set(host, known);
    const [oldest] = this.#hosts.keys();
    if (this.#hosts.size > HOSTS_MAX && oldest !== undefined) {
      this.#hosts.delete(oldest);
    }
  }

  succeeded(host: string): void {
    this.#hosts.delete(host);
  }
}

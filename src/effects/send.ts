import { once } from "node:events";
import { type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { lookupPublic, refusePrivateLiteral } from "./address.ts";

/** One call: connecting, sending and reading together. */
const CALL_MS_MAX = 15_000;
/** Of an answer; a list of a hundred issues with long bodies is about six. */
const ANSWER_BYTES_MAX = 16_777_216;

export type Request = {
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

export type Answer = {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
};

/**
 * Send a request and read the answer, whatever its status. Follows no redirect: it could lead
 * where the request itself may not go, with its credentials. Rejects with a PermanentError
 * for an address out of bounds, else with the error of the network.
 */
export async function send(
  { method, url: address, headers, body, guarded, bytesMax = ANSWER_BYTES_MAX }: Request,
  signal: AbortSignal,
): Promise<Answer> {
  const url = new URL(address);
  if (guarded) {
    refusePrivateLiteral(url);
  }
  const call = (url.protocol === "https:" ? requestHttps : requestHttp)(url, {
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

/** JSON-RPC 2.0 itself: requests, notifications, batches, answers and the codes of errors. */
import { isLongNumber, isRecord, toJson } from "../../model/json.ts";
import { refusalOf } from "../errors.ts";
import type { Refusal } from "../refusal.ts";

/** Requests of one batch. */
export const BATCH_MAX = 100;

export const RPC_CODES = {
  notJson: -32_700,
  notARequest: -32_600,
  unknownMethod: -32_601,
  wrongParams: -32_602,
  internal: -32_603,
  /** Of the key, or its rights. */
  refused: -32_000,
  notCancelable: -32_002,
  overloaded: -32_003,
  notFound: -32_004,
  timeout: -32_098,
} as const;

/** What is answered in place of a result. */
export class RpcError extends Error {
  override readonly name = "RpcError";
  readonly code: number;
  /** A word for programs, and what to do about it. */
  readonly data: { readonly error: string; readonly hint: string | null };

  constructor(code: number, message: string, data: RpcError["data"]) {
    super(message);
    this.code = code;
    this.data = data;
  }
}

export type RpcId = string | number | bigint | object | null;

export type RpcRequest = {
  /** Undefined of a notification, which nobody waits for an answer of. */
  readonly id: RpcId | undefined;
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
};

/** Throws an RpcError for what is no request, or has no parameters by name. */
export function parseRequest(value: unknown): RpcRequest {
  if (!isRecord(value) || value["jsonrpc"] !== "2.0" || typeof value["method"] !== "string") {
    throw notARequest('Expected an object with jsonrpc: "2.0" and the name of a method.');
  }
  const { id, method, params = {} } = value;
  if (id !== undefined && !isId(id)) {
    throw notARequest("Expected an id that is text, a number or null.");
  }
  if (!isRecord(params)) {
    throw new RpcError(RPC_CODES.wrongParams, "Expected params that are an object.", {
      error: "invalid_request",
      hint: "name each parameter; none goes by its place",
    });
  }
  return { id, method, params };
}

export function notARequest(message: string): RpcError {
  return new RpcError(RPC_CODES.notARequest, message, {
    error: "invalid_request",
    hint: 'such as {"jsonrpc": "2.0", "id": 1, "method": "tasks.get", "params": {"id": "1"}}',
  });
}

/** The id of whatever was sent, as far as it can be told; else null, as the specification says. */
export function idIn(value: unknown): RpcId {
  const id = isRecord(value) ? value["id"] : null;
  return isId(id) ? id : null;
}

/** A number that is too long for one stands as it was written. */
function isId(id: unknown): id is RpcId {
  return id === null || ["string", "number", "bigint"].includes(typeof id) || isLongNumber(id);
}

export function rpcResult(id: RpcId, result: unknown): string {
  return toJson({ jsonrpc: "2.0", id, result });
}

export function rpcFailure(id: RpcId, { code, message, data }: RpcError): string {
  return toJson({ jsonrpc: "2.0", id, error: { code, message, data } });
}

/** Of what was thrown; null for a bug. */
export function rpcErrorOf(err: unknown): RpcError | null {
  if (err instanceof RpcError) {
    return err;
  }
  const refusal = err instanceof Error ? refusalOf(err) : null;
  return refusal === null
    ? null
    : new RpcError(codeOf(refusal), refusal.message, { error: refusal.code, hint: refusal.hint });
}

export const BUG = new RpcError(RPC_CODES.internal, "The gateway failed.", {
  error: "internal",
  hint: "this is a bug in triaged; the log of the gateway has more",
});

function codeOf({ code, statusCode }: Refusal): number {
  switch (code) {
    case "not_json":
    case "not_utf8":
      return RPC_CODES.notJson;
    case "overloaded":
    case "too_many_requests":
    case "too_many_streams":
    case "too_many_connections":
      return RPC_CODES.overloaded;
    case "unknown_task":
      return RPC_CODES.notFound;
    case "took_too_long":
      return RPC_CODES.timeout;
    default:
      break;
  }
  if (statusCode === 401 || statusCode === 403) {
    return RPC_CODES.refused;
  }
  return statusCode >= 500 ? RPC_CODES.internal : RPC_CODES.wrongParams;
}

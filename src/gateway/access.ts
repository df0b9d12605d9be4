/** Who may enter: a key for each request, and the role that a door asks for. */
import type { FastifyRequest, onRequestHookHandler } from "fastify";
import { type OperationDoor, REASON_LENGTH_MAX } from "../model/operation.ts";
import { isLoopback } from "../settings/gateway.ts";
import type { Gateway } from "./gateway.ts";
import { type Access, type Caller, type KeyRole, mayDo } from "./keys.ts";
import { Refusal } from "./refusal.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /**
     * What the door asks for; `open`: nothing, not even a key; `signed`: it knows by `verify`, and not
     * by a key, who sends. @default "admin"
     */
    readonly role?: KeyRole | "open" | "signed";
    /** Of a signed door: called with the bytes of the body before they are parsed; may throw. */
    readonly verify?: (request: FastifyRequest, body: Buffer) => void;
    /** Who sends, where the door knows it by something other than a key; throws a Refusal. */
    readonly callerOf?: (request: FastifyRequest) => Caller;
    /** What operations call it. @default "rest" */
    readonly door?: OperationDoor;
    /** Whether its answers go on for as long as the client stays. @default false */
    readonly isStream?: boolean;
  }
  interface FastifyRequest {
    /** Who sent it; null at an open door. */
    caller: Caller | null;
  }
}

/** Whoever reaches the loopback of this machine, where no key is asked for. */
const ANYBODY: Caller = { name: "http", role: "admin", requestsPerMinute: null };

/** Guard all doors that are made after this. One that names no role is for admins. */
export function guardDoors(app: Gateway, access: Access): void {
  app.decorateRequest("caller", null);
  const guard: onRequestHookHandler = (request, _reply, done) => {
    const needed = request.routeOptions.config.role ?? "admin";
    if (needed === "open" || needed === "signed") {
      done();
      return;
    }
    try {
      const { callerOf = (sent) => callerByKey(sent, access) } = request.routeOptions.config;
      request.caller = callerOf(request);
      // A door that is not there has no role: whoever may enter at all is told so.
      if (!request.is404) {
        refuseWithout(needed, request.caller);
      }
      done();
    } catch (err) {
      const { ip, method, routeOptions } = request;
      const reason = err instanceof Error ? err.message : String(err);
      request.log.info({ ip, method, route: routeOptions.url, reason }, "request refused");
      done(err instanceof Error ? err : new Error(String(err)));
    }
  };
  app.addHook("onRequest", guard);
}

/** The caller of a request whose door asks for one. */
export function callerIn(request: FastifyRequest): Caller {
  if (request.caller === null) {
    throw new Error("expected a door that asks for a role, got an open one");
  }
  const { door = "rest" } = request.routeOptions.config;
  return { ...request.caller, door, reason: reasonIn(request) };
}

/** Why somebody does what he asks for: percent-encoded, since a header has no other letters. */
function reasonIn({ headers }: FastifyRequest): string | undefined {
  const given = headers["x-reason"];
  if (typeof given !== "string" || given.trim() === "") {
    return undefined;
  }
  const reason = decoded(given).trim();
  if (reason === "" || reason.length > REASON_LENGTH_MAX) {
    throw new Refusal(422, "bad_argument", `X-Reason: expected 1 to ${REASON_LENGTH_MAX} letters.`);
  }
  return reason;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * Who sends, by the key in its headers. Throws a Refusal: 401 without one, 403 for strange pages.
 */
export function callerByKey(
  request: FastifyRequest,
  { keys, required, origins, anybody = ANYBODY }: Access,
): Caller {
  const given = keyIn(request);
  if (given !== null && keys.size > 0) {
    const caller = keys.callerOf(given);
    if (caller === null) {
      throw new Refusal(401, "unknown_key", "There is no such key.", {
        hint: "it may have been taken out of API_KEYS_FILE",
      });
    }
    return caller;
  }
  if (required) {
    throw new Refusal(401, "key_missing", "This request needs a key.", {
      hint: "send it as X-API-Key: KEY, or as Authorization: Bearer KEY",
    });
  }
  refuseStrangePages(request, origins);
  return anybody;
}

/** The key that a request has in its headers, or null. */
export function keyIn({ headers }: FastifyRequest): string | null {
  const plain = headers["x-api-key"];
  if (typeof plain === "string") {
    return plain;
  }
  const [scheme = "", ...rest] = (headers.authorization ?? "").split(" ");
  return ["bearer", "apikey"].includes(scheme.toLowerCase()) ? rest.join(" ").trim() : null;
}

/** Throws a Refusal (403) where a key has too few rights. */
export function refuseWithout(needed: KeyRole, { name, role }: Caller): void {
  if (!mayDo(role, needed)) {
    throw new Refusal(403, "role_missing", `The key ${name} has the role ${role}, not ${needed}.`, {
      hint: "use a key with more rights, or have its row in API_KEYS_FILE changed",
    });
  }
}

/**
 * Without keys, the loopback is the guard, and a browser of this machine is within it, with
 * whatever page it shows. Refused is a page of another origin, and one that gave its own name
 * the address of the loopback.
 */
function refuseStrangePages({ headers }: FastifyRequest, origins: readonly string[]): void {
  const { host = "", origin } = headers;
  const hint = "set REQUIRE_AUTH=true and a key to be reached by other names";
  const named = URL.parse(`http://${host}`)?.hostname.replace(/^\[(.*)\]$/, "$1") ?? "";
  if (!isLoopback(named)) {
    throw new Refusal(403, "strange_host", "Without keys, only names of this machine count.", {
      hint,
    });
  }
  if (origin !== undefined && !origins.includes(origin) && URL.parse(origin)?.host !== host) {
    throw new Refusal(403, "strange_origin", "Without keys, no page of another origin may ask.", {
      hint,
    });
  }
}

/** Who reads a page: whom a proxy names, who has a key, who has a session, or anybody. */
import type { BlockList } from "node:net";
import type { FastifyReply, FastifyRequest } from "fastify";
import { callerByKey, keyIn } from "../../gateway/access.ts";
import { type Access, type Caller, KEY_ROLES, KeyName } from "../../gateway/keys.ts";
import { Refusal } from "../../gateway/refusal.ts";
import { blockListOf, type DashboardConfig, type ProxyConfig } from "../../settings/dashboard.ts";
import { type ReaderSession, Sessions } from "./sessions.ts";

const SESSION_COOKIE = "triaged_session";

export class Entrance {
  readonly sessions: Sessions;
  readonly #access: Access;
  readonly #proxy: ProxyConfig | null;
  readonly #proxies: BlockList;
  readonly #cookie: { path: string; httpOnly: true; sameSite: "strict"; secure: boolean };
  readonly #found = new WeakMap<FastifyRequest, ReaderSession>();

  constructor(
    access: Access,
    config: Pick<DashboardConfig, "proxy" | "sessionSecret">,
    publicUrl: string | null,
  ) {
    this.#access = access;
    this.#proxy = config.proxy;
    this.#proxies = blockListOf(config.proxy?.addresses ?? []);
    this.sessions = new Sessions({ keys: access.keys, secret: config.sessionSecret });
    this.#cookie = {
      path: "/ui",
      httpOnly: true,
      sameSite: "strict",
      secure: publicUrl?.startsWith("https:") === true,
    };
  }

  /** Whether a reader can come in by a key. */
  get takesKeys(): boolean {
    return this.#access.keys.size > 0;
  }

  /** Who sends a request. Throws a Refusal: 401 for nobody that is known, 403 for strange pages. */
  callerOf(request: FastifyRequest): Caller {
    const named = this.#namedByProxy(request);
    if (named !== null) {
      return named;
    }
    const session = keyIn(request) === null ? this.sessionIn(request) : null;
    if (session !== null) {
      return session.caller;
    }
    if (this.#proxy !== null && keyIn(request) === null) {
      // Open to anybody, the pages would be so behind the proxy as well.
      throw new Refusal(401, "key_missing", "You are not signed in.");
    }
    return callerByKey(request, this.#access);
  }

  /** The session of a request; null without one that is good. */
  sessionIn(request: FastifyRequest): ReaderSession | null {
    // By hand: whoever asks may be before the hook that does it.
    const text = request.server.parseCookie(request.headers.cookie ?? "")[SESSION_COOKIE];
    const session = text === undefined ? null : this.sessions.read(text);
    if (session !== null) {
      this.#found.set(request, session);
    }
    return session;
  }

  /** The session by which a request came in; null where it did otherwise. */
  foundIn(request: FastifyRequest): ReaderSession | null {
    return this.#found.get(request) ?? null;
  }

  /** Hand a session on to the browser: a new one, or the next text of one that is used. */
  give(reply: FastifyReply, text: string): void {
    reply.setCookie(SESSION_COOKIE, text, this.#cookie);
  }

  take(reply: FastifyReply): void {
    reply.clearCookie(SESSION_COOKIE, this.#cookie);
  }

  #namedByProxy({ headers, socket }: FastifyRequest): Caller | null {
    if (this.#proxy === null) {
      return null;
    }
    const { userHeader, roleHeader, role } = this.#proxy;
    const name = headers[userHeader];
    if (name === undefined || !this.#isProxy(socket)) {
      return null;
    }
    const given = roleHeader === null ? undefined : headers[roleHeader];
    const said =
      given === undefined || given === "" ? role : KEY_ROLES.find((one) => one === given);
    const known = KeyName.safeParse(name);
    if (!known.success || said === undefined) {
      throw new Refusal(403, "strange_name", "The proxy sent a name or a role that cannot be.", {
        hint: `names are letters, digits, and . _ @ - ; roles are ${KEY_ROLES.join(", ")}`,
      });
    }
    return { name: known.data, role: said, requestsPerMinute: null };
  }

  #isProxy({ remoteAddress, remoteFamily }: FastifyRequest["socket"]): boolean {
    return (
      remoteAddress !== undefined &&
      this.#proxies.check(remoteAddress, remoteFamily === "IPv6" ? "ipv6" : "ipv4")
    );
  }
}

/** `/ui/sign-in` and `/ui/sign-out`: a key for a session, and the end of one. */
import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import type { Gateway, SignIns } from "../../gateway/gateway.ts";
import type { KeyRing } from "../../gateway/keys.ts";
import { fieldsOf } from "../components/forms.ts";
import { html } from "../html.ts";
import type { View } from "../page.ts";
import type { Entrance } from "./entrance.ts";

/** From one address: nobody types more keys, and whoever tries many is slowed. */
const TRIES_PER_MINUTE = 30;
const KEY_CHARACTERS_MAX = 500;

const Form = z.looseObject({
  key: z.string().max(KEY_CHARACTERS_MAX).optional(),
  to: z.string().max(2_000).optional(),
});

export function signInRoutes(
  app: Gateway,
  {
    entrance,
    keys,
    signIns,
    show,
  }: {
    readonly entrance: Entrance;
    readonly keys: KeyRing;
    readonly signIns: SignIns;
    readonly show: (
      view: View,
      sending: {
        readonly request: FastifyRequest;
        readonly reply: FastifyReply;
        readonly token: string;
      },
    ) => FastifyReply;
  },
): void {
  // Open to anybody, and counted all the same.
  const config = {
    role: "signed",
    rateLimit: { max: TRIES_PER_MINUTE, timeWindow: 60_000 },
  } as const;
  const preHandler = (...sent: Parameters<Gateway["csrfProtection"]>) =>
    app.csrfProtection(...sent);

  app.get("/ui/sign-in", { config: { role: "signed" } }, (request, reply) => {
    const { to } = Form.safeParse(request.query).data ?? {};
    const token = reply.generateCsrf();
    const view = signInView({ token, to: ownAddress(to), takesKeys: entrance.takesKeys });
    return show(view, { request, reply, token });
  });

  app.post("/ui/sign-in", { config, preHandler }, (request, reply) => {
    const { key = "", to } = Form.safeParse(request.body).data ?? {};
    const caller = keys.callerOf(key.trim());
    const text = caller === null ? null : entrance.sessions.begin(caller);
    if (text === null) {
      request.log.info({ ip: request.ip }, "sign-in refused");
      signIns.failed(request, "unknown_key");
      const token = reply.generateCsrf();
      const view = signInView({
        token,
        to: ownAddress(to),
        takesKeys: entrance.takesKeys,
        problem: "There is no such key.",
      });
      return show({ ...view, status: 403 }, { request, reply, token });
    }
    signIns.succeeded(request, caller?.name ?? "");
    entrance.give(reply, text);
    return reply.redirect(ownAddress(to), 303);
  });

  app.post("/ui/sign-out", { config, preHandler }, (request, reply) => {
    const session = entrance.sessionIn(request);
    if (session !== null) {
      entrance.sessions.end(session);
    }
    entrance.take(reply);
    return reply.redirect("/ui/sign-in", 303);
  });
}

/** A page of ours, whatever was asked for: nobody is sent to another site after signing in. */
function ownAddress(to: string | undefined): string {
  const isOwn = to !== undefined && /^\/ui(?:$|[/?])/.test(to) && !/[\\\s]/.test(to);
  return isOwn ? to : "/ui";
}

function signInView(options: {
  readonly token: string;
  readonly to: string;
  readonly takesKeys: boolean;
  readonly problem?: string;
}): View {
  const { token, to, takesKeys, problem } = options;
  return {
    title: "Sign in",
    refresh: "never",
    main: html`<div class="card sign-in">
      ${problem !== undefined && html`<p class="banner bad" role="alert">${problem}</p>`}
      ${
        takesKeys
          ? html`<form method="post" action="/ui/sign-in">
        ${fieldsOf({ token })}
        <input type="hidden" name="to" value="${to}">
        <label>API key
          <input type="password" name="key" required maxlength="${KEY_CHARACTERS_MAX}"
            autocomplete="current-password" autofocus></label>
        <button class="main">Sign in</button>
        <p class="hint">The key is exchanged for a session of at most 12 hours. Its role decides what can be
          done here; <code>triaged key</code> makes one.</p>
      </form>`
          : html`<p>Readers are known by the proxy before this gateway, and it named nobody.</p>`
      }
    </div>`,
  };
}

/** Pages as routes: a GET that shows, a POST for each thing that can be done. */
import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import type { ReadFrom } from "../database/replica.ts";
import { callerIn } from "../gateway/access.ts";
import { refusalOf } from "../gateway/errors.ts";
import type { Gateway, GatewayParts } from "../gateway/gateway.ts";
import { mayDo } from "../gateway/keys.ts";
import { Refusal } from "../gateway/refusal.ts";
import { isRecord } from "../model/json.ts";
import type { DoctorRounds } from "./doctor-rounds.ts";
import { failureView } from "./failure.ts";
import type { Html } from "./html.ts";
import { layout } from "./layout.ts";
import type { Action, ApplicationPages, Page, PageContext, View } from "./page.ts";
import type { Redaction } from "./redact.ts";
import type { SharedReads } from "./shared-reads.ts";

export type PageParts = {
  readonly parts: GatewayParts;
  readonly pages: readonly Page[];
  readonly showResult: ApplicationPages["showResult"];
  readonly redaction: Redaction;
  readonly reads: SharedReads;
  readonly doctor: DoctorRounds;
  /** Where the files of the pages are. */
  readonly assets: string;
  /** Whether a request came in by a session, which a click can end. */
  readonly isSession: (request: FastifyRequest) => boolean;
};

/** What a page that refreshes itself sends along. */
const REFRESH_HEADER = "x-refresh";
/** What was just done, for the next page. */
const NOTICE_COOKIE = "triaged_notice";
/** Somebody has just acted, through whichever gateway: a standby may lack it for so long. */
const ACTED_COOKIE = "triaged_acted";
const COOKIE = { path: "/ui", httpOnly: true, sameSite: "strict" } as const;
const NOTICE_SECONDS = 60;
const NOTICE_CHARS_MAX = 500;

export function pageRoutes(app: Gateway, pageParts: PageParts): void {
  app.setErrorHandler((error: FastifyError, request, reply) =>
    replyWithFailure(error, { request, reply, pageParts }),
  );
  for (const page of pageParts.pages) {
    showRoute(app, page, pageParts);
    for (const action of page.actions ?? []) {
      actionRoute(app, action, pageParts);
    }
  }
  app.get("/ui/*", { config: { role: "read" } }, (request) => {
    throw new Refusal(404, "not_found", `There is no page ${pathOf(request)}.`);
  });
}

function showRoute(app: Gateway, page: Page, pageParts: PageParts): void {
  app.get(`/ui${page.path}`, { config: { role: page.role ?? "read" } }, async (request, reply) => {
    const query = withoutEmpty(request.query);
    const readFrom = new Set<ReadFrom>();
    const context = contextOf(request, reply, {
      ...pageParts,
      noteFrom: (from) => readFrom.add(from),
    });
    const view = await page.show(context, { params: request.params, query });
    return send(view, { request, reply, pageParts, token: context.token, readFrom });
  });
}

function actionRoute(app: Gateway, action: Action, { parts, doctor }: PageParts): void {
  app.post(
    `/ui${action.path}`,
    { config: { role: action.role }, preHandler: (...sent) => app.csrfProtection(...sent) },
    async (request, reply) => {
      const { _csrf: _, ...given } = isRecord(request.body) ? request.body : {};
      const fields = withoutEmpty(given);
      const caller = callerIn(request);
      const { notice, to } = await action.run(
        {
          parts,
          caller,
          doctor,
          url: urlOf(request),
          write: (work, { reason }) =>
            parts.queue.write(caller, work, {
              door: "dashboard",
              ...(reason === undefined ? {} : { reason }),
            }),
        },
        { params: request.params, fields },
      );
      reply.setCookie(NOTICE_COOKIE, notice.slice(0, NOTICE_CHARS_MAX), {
        ...COOKIE,
        maxAge: NOTICE_SECONDS,
      });
      if (parts.replica !== null) {
        const maxAge = Math.ceil(parts.replica.lagMsMax / 1_000);
        reply.setCookie(ACTED_COOKIE, "1", { ...COOKIE, maxAge });
      }
      return reply.redirect(to, 303);
    },
  );
}

function contextOf(
  request: FastifyRequest,
  reply: FastifyReply,
  {
    parts,
    redaction,
    reads,
    showResult,
    doctor,
    noteFrom,
  }: PageParts & { readonly noteFrom: (from: ReadFrom) => void },
): PageContext {
  const caller = callerIn(request);
  const isNow = cookiesOf(request)[ACTED_COOKIE] !== undefined;
  const mayBeShared = request.headers[REFRESH_HEADER] !== undefined;
  return {
    parts,
    caller,
    may: (role) => mayDo(caller.role, role),
    url: urlOf(request),
    token: reply.generateCsrf(),
    read: async (name, work, { isForAll = false, mayLag = false } = {}) => {
      const { answer, from, readMs } = await reads.get(
        isForAll ? name : `${request.url} ${name}`,
        async () => ({
          ...(mayLag
            ? await parts.queue.browse(work, { caller, sinceMs: reads.changedAt, isNow })
            : { answer: await parts.queue.read(work), from: null }),
          readMs: performance.now(),
        }),
        { mayBeShared: mayBeShared || isForAll },
      );
      if (from?.by === "replica") {
        // A shared answer has become older since.
        noteFrom({ ...from, lagMs: from.lagMs + performance.now() - readMs });
      } else if (from !== null) {
        noteFrom(from);
      }
      return answer;
    },
    redact: redaction.value,
    redactText: redaction.text,
    showResult,
    doctor,
  };
}

type Sending = {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly pageParts: PageParts;
  /** Who answered what may be from a standby. */
  readonly readFrom?: ReadonlySet<ReadFrom>;
};

/** Send a page with all that is around it. */
export function send(
  view: View,
  { request, reply, pageParts, token, readFrom = new Set() }: Sending & { readonly token: string },
): FastifyReply {
  const isRefresh = request.headers[REFRESH_HEADER] !== undefined;
  const notice = isRefresh ? undefined : cookiesOf(request)[NOTICE_COOKIE];
  if (notice !== undefined) {
    reply.clearCookie(NOTICE_COOKIE, COOKIE);
  }
  const page: Html = layout(view, {
    assets: pageParts.assets,
    pages: pageParts.pages,
    caller: request.caller,
    isSession: token !== "" && pageParts.isSession(request),
    token,
    path: pathOf(request),
    notice: notice ?? null,
    readFrom: [...readFrom],
  });
  return reply
    .code(view.status ?? 200)
    .type("text/html; charset=utf-8")
    .send(String(page));
}

/** A page that says what is wrong, where a program would be sent JSON. */
function replyWithFailure(error: FastifyError, sending: Sending): FastifyReply {
  const { request, reply } = sending;
  const refusal = refusedForm(error) ?? refusalOf(error);
  const isPage = request.method === "GET" && request.headers[REFRESH_HEADER] === undefined;
  if (refusal?.statusCode === 401 && isPage) {
    return reply.redirect(`/ui/sign-in?to=${encodeURIComponent(request.url)}`, 303);
  }
  if (refusal === null) {
    request.log.error({ err: error, route: request.routeOptions.url }, "page failed");
  }
  if (refusal?.retryAfter !== null && refusal?.retryAfter !== undefined) {
    reply.header("retry-after", String(refusal.retryAfter));
  }
  // Refused at the door, it was not read so far: there is no form on such a page.
  const token = areCookiesRead(request) ? reply.generateCsrf() : "";
  return send(failureView(refusal), { ...sending, token });
}

/** As the plugin has them, which types say nothing of requests that were refused before it. */
function areCookiesRead({ cookies }: { readonly cookies: unknown }): boolean {
  return isRecord(cookies);
}

function cookiesOf(request: FastifyRequest): FastifyRequest["cookies"] {
  return areCookiesRead(request) ? request.cookies : {};
}

/** What the check of a form's token throws. */
function refusedForm({ statusCode, code }: FastifyError): Refusal | null {
  return statusCode === 403 && code.startsWith("FST_CSRF")
    ? new Refusal(403, "form_refused", "This form was not made for you, or is too old.", {
        hint: "go back, load the page again, and send it once more",
      })
    : null;
}

/** Forms send fields that are left empty as empty texts. */
function withoutEmpty(given: unknown): Record<string, unknown> {
  const entries = isRecord(given) ? Object.entries(given) : [];
  return Object.fromEntries(entries.filter(([, value]) => value !== ""));
}

function urlOf({ url }: FastifyRequest): URL {
  return new URL(url, "http://page");
}

function pathOf(request: FastifyRequest): string {
  return urlOf(request).pathname;
}

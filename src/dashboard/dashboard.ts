/** The pages under `/ui`, put together as routes of the gateway. */
import cookie from "@fastify/cookie";
import csrf from "@fastify/csrf-protection";
import formbody from "@fastify/formbody";
import type { FastifyRequest, onRequestHookHandler } from "fastify";
import { type Examination, examine } from "../doctor/examine.ts";
import type { Dashboard, Gateway } from "../gateway/gateway.ts";
import type { DashboardConfig } from "../settings/dashboard.ts";
import { Entrance } from "./access/entrance.ts";
import { signInRoutes } from "./access/sign-in.ts";
import { assetsPath, serveAssets } from "./assets.ts";
import { DoctorRounds } from "./doctor-rounds.ts";
import { LiveChannel } from "./live.ts";
import { liveRoute } from "./live-route.ts";
import type { ApplicationPages } from "./page.ts";
import { type PageParts, pageRoutes, send } from "./page-routes.ts";
import { PAGES } from "./pages.ts";
import { redactionOf } from "./redact.ts";
import { SharedReads } from "./shared-reads.ts";

/** What `triaged serve` hands to its gateway. */
export function dashboard(
  config: DashboardConfig,
  application: ApplicationPages,
  examination: Omit<Examination, "look">,
): Dashboard {
  return async (gateway, parts) => {
    const reads = new SharedReads();
    const channel = new LiveChannel({
      tail: parts.events,
      health: parts.health,
      outdate: () => reads.outdate(),
    });
    const doctor = new DoctorRounds({
      examine: () =>
        examine({ ...examination, look: (ask) => parts.queue.look(ask) }, { isForReaders: true }),
      onFindings: () => channel.noteChange(),
    });
    const assets = assetsPath();
    await serveAssets(gateway, assets);
    // A room of its own: what pages need of a server, the other doors never meet.
    await gateway.register(async (app: Gateway) => {
      const entrance = new Entrance(parts.access, config, parts.publicUrl);
      const callerOf = (request: FastifyRequest) => entrance.callerOf(request);
      app.addHook("onRoute", (route) => {
        route.config = { callerOf, ...route.config };
        route.schema = { ...route.schema, hide: true };
      });
      app.addHook("onRequest", setPageHeaders);
      await app.register(cookie);
      await app.register(csrf, {
        cookieKey: "triaged_csrf",
        cookieOpts: { path: "/ui", httpOnly: true, sameSite: "strict" },
      });
      await app.register(formbody, { bodyLimit: FORM_BYTES_MAX });
      app.addHook("onRequest", (request, reply, done) => {
        const renewed = entrance.foundIn(request)?.renewed ?? null;
        if (renewed !== null) {
          entrance.give(reply, renewed);
        }
        done();
      });
      const pageParts: PageParts = {
        parts,
        pages: [...PAGES, ...application.pages],
        showResult: application.showResult,
        redaction: redactionOf(config.redact),
        reads,
        doctor,
        assets,
        isSession: (request) => entrance.foundIn(request) !== null,
      };
      pageRoutes(app, pageParts);
      signInRoutes(app, {
        entrance,
        keys: parts.access.keys,
        signIns: parts.signIns,
        show: (view, sending) => send(view, { ...sending, pageParts }),
      });
      liveRoute(app, parts, channel);
    });
  };
}

const FORM_BYTES_MAX = 262_144;

/** No inline code or style, nothing of elsewhere, no frame around it. */
const PAGE_HEADERS = {
  "content-security-policy": [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join("; "),
  // Forms say where they come from, and other sites learn nothing.
  "referrer-policy": "same-origin",
};

const setPageHeaders: onRequestHookHandler = (_request, reply, done) => {
  reply.headers(PAGE_HEADERS);
  done();
};

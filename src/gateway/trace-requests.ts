/** A span for each request, which goes on where its client's `traceparent` says. */
import type { FastifyRequest } from "fastify";
import {
  endSpan,
  isTraced,
  type Span,
  SpanKind,
  spanOf,
  startSpan,
  withSpan,
} from "../system/tracing.ts";
import type { Gateway } from "./gateway.ts";

/** Without an SDK at the start, no request has a hook more. */
export function traceRequests(app: Gateway): void {
  if (!isTraced()) {
    return;
  }
  const spans = new WeakMap<FastifyRequest, Span>();
  app.addHook("onRequest", (request, _reply, done) => {
    const { method, routeOptions } = request;
    const route = routeOptions.url ?? "none";
    const span = startSpan(`${method} ${route}`, {
      kind: SpanKind.SERVER,
      parent: spanOf(request.headers["traceparent"]),
      attributes: { "http.request.method": method, "http.route": route },
    });
    spans.set(request, span);
    done();
  });
  // After the body: its events are those of the socket, and know no request.
  app.addHook("preHandler", (request, _reply, done) => {
    const span = spans.get(request);
    if (span === undefined) {
      done();
    } else {
      withSpan(span, done);
    }
  });
  app.addHook("onResponse", (request, reply, done) => {
    const span = spans.get(request);
    span?.setAttribute("http.response.status_code", reply.statusCode);
    if (span !== undefined) {
      endSpan(span, reply.statusCode >= 500 ? { error: `answered ${reply.statusCode}` } : {});
    }
    done();
  });
}

/**
 * Spans by the API of OpenTelemetry alone: an application that has set up its SDK in this process
 * gets them, and without one nothing is made. Between processes a span travels as the W3C writes
 * it, `00-TRACE-SPAN-FLAGS`.
 */
import {
  type Attributes,
  type Context,
  context,
  isSpanContextValid,
  ProxyTracerProvider,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  type SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";

export { type Span, SpanKind } from "@opentelemetry/api";

/** Under it the metadata of a task have the span that enqueued it. */
export const TRACEPARENT = "traceparent";

const NAME = "triaged";

/** Whether anybody gets spans: else nothing of a trace need be made. */
export function isTraced(): boolean {
  const provider = trace.getTracerProvider();
  return (
    !(provider instanceof ProxyTracerProvider) || provider.getDelegateTracer(NAME) !== undefined
  );
}

type SpanOptions = {
  readonly kind?: SpanKind;
  /** Whose child it is: a span here, or one of another process. @default the active one */
  readonly parent?: Span | SpanContext | null;
  /** Spans that caused it, beside its parent. */
  readonly links?: readonly SpanContext[];
  readonly attributes?: Attributes;
  /** By `performance.now()`. @default now */
  readonly startMs?: number;
};

export function startSpan(name: string, options: SpanOptions = {}): Span {
  const { kind, parent, links = [], attributes, startMs } = options;
  return trace.getTracer(NAME).startSpan(
    name,
    {
      ...(kind === undefined ? {} : { kind }),
      ...(attributes === undefined ? {} : { attributes }),
      ...(startMs === undefined ? {} : { startTime: startMs }),
      links: links.map((linked) => ({ context: linked })),
    },
    parentContext(parent),
  );
}

function parentContext(parent: SpanOptions["parent"]): Context {
  if (parent === undefined) {
    return context.active();
  }
  if (parent === null) {
    return ROOT_CONTEXT;
  }
  return "spanContext" in parent
    ? trace.setSpan(ROOT_CONTEXT, parent)
    : trace.setSpanContext(ROOT_CONTEXT, parent);
}

/** Call `work` with the span as the active one, the parent of those that begin in there. */
export function withSpan<Result>(span: Span, work: () => Result): Result {
  return context.with(trace.setSpan(context.active(), span), work);
}

/** Call `work` as what belongs to no span. */
export function outsideSpans<Result>(work: () => Result): Result {
  return context.with(ROOT_CONTEXT, work);
}

/** End a span, as failed where there is an error. */
export function endSpan(
  span: Span,
  { error, endMs }: { error?: string; endMs?: number } = {},
): void {
  if (error !== undefined) {
    span.setStatus({ code: SpanStatusCode.ERROR, message: error });
  }
  span.end(endMs);
}

/** Do `work` in a span of its own; without an SDK just do it. What it throws fails the span. */
export async function inSpan<Result>(
  name: string,
  options: SpanOptions,
  work: (span: Span | null) => Promise<Result>,
): Promise<Result> {
  if (!isTraced()) {
    return await work(null);
  }
  const span = startSpan(name, options);
  try {
    const result = await withSpan(span, () => work(span));
    endSpan(span);
    return result;
  } catch (err) {
    endSpan(span, { error: err instanceof Error ? err.message : String(err) });
    throw err;
  }
}

/** A span for another process: the given one, or the active one; null without any. */
export function traceparentOf(span: Span | undefined = trace.getActiveSpan()): string | null {
  const known = span?.spanContext();
  return known === undefined || !isSpanContextValid(known)
    ? null
    : `00-${known.traceId}-${known.spanId}-${known.traceFlags.toString(16).padStart(2, "0")}`;
}

/** The span that a text of another process names; null for anything else. */
export function spanOf(traceparent: unknown): SpanContext | null {
  const [, traceId = "", spanId = "", flags = "00"] =
    typeof traceparent === "string"
      ? (/^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(traceparent) ?? [])
      : [];
  const found = { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true };
  return isSpanContextValid(found) ? found : null;
}

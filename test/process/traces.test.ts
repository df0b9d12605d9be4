// Goal: one trace leads from a request of HTTP to what its task does outside of the database;
// a task of a task is in it too.
// Method: gateway, worker and delivery in this process, with an SDK that keeps spans in memory.

import path from "node:path";
import { context, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import { pino } from "pino";
import { afterEach, beforeEach, expect } from "vitest";
import { parseDatabaseUrl } from "../../src/settings/database-url.ts";
import { runDaemon } from "../../src/worker/daemon.ts";
import { found, test } from "../support/connections.ts";
import { deliver, NOTICE, toGithub } from "../support/effects.ts";
import { startGateway } from "../support/gateway.ts";
import { startStub } from "../support/http-servers.ts";
import { query, queryOne } from "../support/tasks.ts";

const exporter = new InMemorySpanExporter();
const HANDLERS = path.join(import.meta.dirname, "../fixtures/traced");
/** As a client sends it: the trace, and its own span. */
const TRACE = "0af7651916cd43dd8448eb211c80319c";
const CLIENT_SPAN = "b7ad6b7169203331";
const TRACEPARENT = `00-${TRACE}-${CLIENT_SPAN}-01`;

beforeEach(() => {
  exporter.reset();
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  trace.setGlobalTracerProvider(
    new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }),
  );
});

afterEach(() => {
  trace.disable();
  context.disable();
});

/** Work off what is due, in this process. */
async function work(url: string): Promise<void> {
  const never = new AbortController().signal;
  await runDaemon({
    database: parseDatabaseUrl(url),
    direct: null,
    schema: "triaged",
    pool: { max: 5, acquireTimeoutMs: 5_000, recycleMs: 3_600_000 },
    worker: {
      name: "traced",
      queues: ["default"],
      concurrency: 2,
      pollIntervalMs: 100,
      shutdownGraceMs: 1_000,
      tasksFolder: HANDLERS,
    },
    maxRescues: 3,
    maxResultBytes: 1_000_000,
    logger: pino({ level: "silent" }),
    logLevel: "silent",
    drain: true,
    stop: never,
    kill: never,
  });
}

/** Each span with the name of its parent, in the order of their begins. */
function tree(spans: readonly ReadableSpan[]): string[] {
  const names = new Map(spans.map((span) => [span.spanContext().spanId, span.name]));
  names.set(CLIENT_SPAN, "client");
  return spans
    .map((span) => `${names.get(span.parentSpanContext?.spanId ?? "") ?? "none"} > ${span.name}`)
    .toSorted();
}

const ofTrace = () =>
  exporter.getFinishedSpans().filter((span) => span.spanContext().traceId === TRACE);

test("one trace leads from a request of HTTP to an effect", async ({ url, client }) => {
  await using stub = await startStub();
  await using gateway = await startGateway(url);
  const { body } = await gateway.send("POST", "/api/tasks", {
    json: {
      task_type: "effects",
      payload: NOTICE,
    },
    headers: { traceparent: TRACEPARENT },
  });

  await work(url);
  const [effect] = await query(client, "select effect_id from triaged.effects");
  await deliver(client, String(found(effect)["effect_id"]), { config: toGithub(stub.url) });

  expect(await queryOne(client, "select status from triaged.tasks")).toEqual({
    status: "finished",
  });
  expect(tree(ofTrace())).toEqual(
    [
      "client > POST /api/tasks",
      "POST /api/tasks > enqueue effects",
      "enqueue effects > attempt effects",
      "attempt effects > claim",
      "attempt effects > settle",
      "attempt effects > effect github_issue",
    ].toSorted(),
  );
  const attempt = found(ofTrace().find(({ name }) => name === "attempt effects"));
  const enqueued = found(ofTrace().find(({ name }) => name === "enqueue effects"));
  expect(attempt.links.map(({ context: linked }) => linked.spanId)).toEqual([
    enqueued.spanContext().spanId,
  ]);
  expect(attempt.attributes).toMatchObject({
    "messaging.message.id": body.task_id,
    "triaged.attempt": 1,
    "triaged.outcome": "finish",
  });
});

test("a task that a handler enqueues goes on in its trace", async ({ url, client }) => {
  await client.query("select triaged.enqueue_task('parent', metadata => $1)", [
    JSON.stringify({ traceparent: TRACEPARENT }),
  ]);

  await work(url);

  expect(tree(ofTrace())).toEqual(
    expect.arrayContaining(["client > attempt parent", "attempt parent > enqueue"]),
  );
  const [child] = await query(
    client,
    "select metadata ->> 'traceparent' as traceparent from triaged.live_tasks",
  );
  expect(found(child)["traceparent"]).toContain(TRACE);
});

test.for(["not a trace", "00-00000000000000000000000000000000-b7ad6b7169203331-01", 42, { a: 1 }])(
  "metadata that say %j begin a trace of their own",
  async (traceparent, { url, client }) => {
    await client.query("select triaged.enqueue_task('noop', metadata => $1)", [
      JSON.stringify({ traceparent }),
    ]);

    await work(url);

    expect(tree(exporter.getFinishedSpans())).toEqual([
      "attempt noop > claim",
      "attempt noop > settle",
      "none > attempt noop",
    ]);
  },
);

test("without an SDK metadata stay as they are given", async ({ url, client }) => {
  trace.disable();
  await using gateway = await startGateway(url);
  await gateway.send("POST", "/api/tasks", {
    json: { task_type: "noop" },
    headers: { traceparent: TRACEPARENT },
  });

  expect(await queryOne(client, "select metadata from triaged.tasks")).toEqual({ metadata: {} });
});

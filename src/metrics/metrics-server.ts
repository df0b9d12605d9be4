/** The door of metrics for a process that serves nothing else: workers, and the jobs. */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { Logger } from "pino";
import type { MetricsConfig } from "../settings/metrics.ts";
import { sleep } from "../system/waiting.ts";
import { Metrics, type MetricsProcess, type QueueOfMetrics } from "./metrics.ts";
import { METRICS_LIMITS } from "./metrics-limits.ts";

/** A port that another process has is tried again after so long: the one before may be ending. */
const LISTEN_AGAIN_MS = 2_000;

/** Serve the metrics of this process until they are closed, if there is an address for them. */
export function startMetrics(options: {
  readonly process: MetricsProcess;
  readonly address: MetricsConfig | null;
  readonly queue?: QueueOfMetrics;
  readonly logger: Logger;
}): { readonly close: () => Promise<void> } {
  const { address, logger } = options;
  if (address === null) {
    return { close: () => Promise.resolve() };
  }
  const metrics = new Metrics(options);
  const closing = new AbortController();
  const serving = serveMetrics({ ...address, metrics, logger, signal: closing.signal });
  return {
    close: async () => {
      closing.abort();
      await serving;
      metrics.close();
    },
  };
}

/**
 * Serve `/metrics` until the signal aborts. Never rejects: a worker without metrics still works, and
 * where the port is taken, the log says so once and it is tried again.
 */
async function serveMetrics(options: {
  readonly metrics: Metrics;
  readonly host: string;
  /** 0: any that is free; the log says which. */
  readonly port: number;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}): Promise<void> {
  const { metrics, host, port, logger, signal } = options;
  const server = serverOf(metrics, logger);
  let isTold = false;
  while (!signal.aborted) {
    try {
      server.listen(port, host);
      await once(server, "listening");
      const address = server.address();
      const bound = typeof address === "object" && address !== null ? address.port : port;
      logger.info({ host, port: bound }, `metrics at http://${urlHost(host)}:${bound}/metrics`);
      await untilAborted(signal);
    } catch (err) {
      if (!isTold) {
        isTold = true;
        const hint = "set METRICS_PORT so that each process has a port of its own";
        logger.warn({ err, host, port, hint }, "metrics cannot be served yet; trying again");
      }
      await sleep(LISTEN_AGAIN_MS, signal);
    }
  }
  server.close();
  server.closeAllConnections();
}

async function untilAborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) {
    await once(signal, "abort");
  }
}

function urlHost(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

function serverOf(metrics: Metrics, logger: Logger): Server {
  const server = createServer((request, response) => {
    const path = request.url?.split("?")[0];
    if (request.method !== "GET" || path !== "/metrics") {
      response.writeHead(path === "/metrics" ? 405 : 404).end("GET /metrics\n");
      return;
    }
    metrics.text().then(
      (text) => response.writeHead(200, { "content-type": metrics.contentType }).end(text),
      (err: unknown) => {
        logger.warn({ err }, "metrics failed");
        response.writeHead(500).end();
      },
    );
  });
  server.maxConnections = METRICS_LIMITS.connections;
  server.headersTimeout = METRICS_LIMITS.requestMs;
  server.requestTimeout = METRICS_LIMITS.requestMs;
  // Between the listens, which have listeners of their own.
  server.on("error", () => undefined);
  return server;
}

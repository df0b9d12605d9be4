import type { Gateway, GatewayParts } from "../gateway.ts";

/** `GET /metrics`, for Prometheus. Names of queues and task types are not for everybody. */
export function metricsRoute(app: Gateway, { metrics }: GatewayParts): void {
  app.get(
    "/metrics",
    {
      config: { role: "read" },
      schema: {
        summary: "Metrics of this process and of the queue, as Prometheus reads them",
        tags: ["health"],
        produces: ["text/plain"],
      },
    },
    async (_request, reply) => {
      const text = await metrics.text();
      return reply.type(metrics.contentType).send(text);
    },
  );
}

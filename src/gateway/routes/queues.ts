import { z } from "zod";
import type { Pausable } from "../../database/arguments.ts";
import { liveWorkers, queueDepth } from "../../database/monitoring.ts";
import { listPauses, pauseClaiming, resumeClaiming } from "../../database/operator.ts";
import { callerIn } from "../access.ts";
import { browseFor } from "../browse.ts";
import { FAILURES } from "../failures.ts";
import type { Gateway, GatewayParts } from "../gateway.ts";
import { DepthReply, Name, PauseReply, sent, WorkerReply } from "../shapes.ts";

const ROWS_MAX = 10_000;

/** `/api/queues`, `/api/task-types`, `/api/workers`: what waits, and who works. */
export function queueRoutes(app: Gateway, parts: GatewayParts): void {
  const { queue } = parts;
  const config = { role: "read" } as const;
  app.get(
    "/api/queues",
    {
      config,
      schema: {
        summary: "What waits and runs, by queue, type and status, and what is paused",
        tags: ["queues"],
        response: {
          200: z.strictObject({ queues: z.array(DepthReply), paused: z.array(PauseReply) }),
          ...FAILURES,
        },
      },
    },
    (request, reply) =>
      browseFor(queue, { request, reply }, async (db) => ({
        queues: (await queueDepth(db)).map(sent),
        paused: (await listPauses(db, ROWS_MAX)).map(sent),
      })),
  );

  pauseRoutes(app, parts);

  app.get(
    "/api/workers",
    {
      config,
      schema: {
        summary: "The workers that have not ended",
        tags: ["workers"],
        response: { 200: z.strictObject({ workers: z.array(WorkerReply) }), ...FAILURES },
      },
    },
    async (request, reply) => ({
      workers: (await browseFor(queue, { request, reply }, (db) => liveWorkers(db))).map(sent),
    }),
  );
}

const Paused = z.strictObject({
  kind: z.enum(["queue", "task type"]),
  name: z.string(),
  outcome: z.enum(["paused", "resumed"]),
});

function pauseRoutes(app: Gateway, { queue }: GatewayParts): void {
  const places = [
    { path: "/api/queues", kind: "queue", what: "a queue" },
    { path: "/api/task-types", kind: "task type", what: "a task type" },
  ] as const satisfies { path: string; kind: Pausable["kind"]; what: string }[];
  const deeds = [
    { word: "pause", outcome: "paused", change: pauseClaiming, says: "Claim nothing more of" },
    { word: "resume", outcome: "resumed", change: resumeClaiming, says: "Claim again from" },
  ] as const;
  for (const { path, kind, what } of places) {
    for (const { word, outcome, change, says } of deeds) {
      app.post(
        `${path}/:name/${word}`,
        {
          config: { role: "operate" },
          schema: {
            summary: `${says} ${what}`,
            tags: ["queues"],
            params: z.strictObject({ name: Name }),
            response: { 200: Paused, ...FAILURES },
          },
        },
        async (request) => {
          const { name } = request.params;
          await queue.write(callerIn(request), (db) => change(db, { kind, name }));
          return { kind, name, outcome };
        },
      );
    }
  }
}

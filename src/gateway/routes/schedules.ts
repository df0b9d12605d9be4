import { z } from "zod";
import { pauseSchedule, resumeSchedule, runSchedule } from "../../database/schedule-pauses.ts";
import { readSchedules, type Schedule, schedulesFile } from "../../jobs/crontab.ts";
import { readScheduleRows } from "../../jobs/schedule-list.ts";
import { callerIn } from "../access.ts";
import { FAILURES } from "../failures.ts";
import type { Gateway, GatewayParts } from "../gateway.ts";
import { Refusal } from "../refusal.ts";
import { ScheduleReply, sent } from "../shapes.ts";

const ROWS_MAX = 10_000;

/** A name of a crontab, which has no blanks. */
export const ScheduleName = z.string().min(1).max(500);

/** Of the crontab of this host. Throws a Refusal (404) for a name that is not there. */
export function knownSchedule(setting: GatewayParts["schedulesFile"], name: string): Schedule {
  const known = readSchedules(schedulesFile(setting)).find((one) => one.name === name);
  if (known === undefined) {
    const message = `There is no schedule ${name} in the crontab of this host.`;
    throw new Refusal(404, "unknown_schedule", message, {
      hint: "only a schedule whose line is there can be run",
    });
  }
  return known;
}

/** `/api/schedules`: what enqueues tasks by the clock, and what people do about it. */
export function scheduleRoutes(app: Gateway, parts: GatewayParts): void {
  const { queue } = parts;
  app.get(
    "/api/schedules",
    {
      config: { role: "read" },
      schema: {
        summary: "What enqueues tasks by the clock: next and last run",
        tags: ["schedules"],
        response: { 200: z.strictObject({ schedules: z.array(ScheduleReply) }), ...FAILURES },
      },
    },
    async () => {
      const known = readSchedules(schedulesFile(parts.schedulesFile));
      const { rows } = await queue.read((db) => readScheduleRows(db, known, ROWS_MAX));
      return { schedules: rows.map(sent) };
    },
  );
  pauseRoutes(app, parts);
  runRoute(app, parts);
}

const SchedulePath = z.strictObject({ name: ScheduleName });

function pauseRoutes(app: Gateway, { queue }: GatewayParts): void {
  const deeds = [
    {
      word: "pause",
      change: pauseSchedule,
      says: "Have a schedule enqueue nothing when it is due",
    },
    { word: "resume", change: resumeSchedule, says: "Have it run again from its next time on" },
  ] as const;
  for (const { word, change, says } of deeds) {
    app.post(
      `/api/schedules/:name/${word}`,
      {
        config: { role: "operate" },
        schema: {
          summary: says,
          tags: ["schedules"],
          params: SchedulePath,
          response: {
            200: z.strictObject({
              schedule: z.string(),
              changed: z.boolean().describe(`false: it was ${word}d before`),
            }),
            ...FAILURES,
          },
        },
      },
      async (request) => {
        const { name } = request.params;
        const changed = await queue.write(callerIn(request), (db) => change(db, name));
        return { schedule: name, changed };
      },
    );
  }
}

function runRoute(app: Gateway, { queue, schedulesFile: setting }: GatewayParts): void {
  app.post(
    "/api/schedules/:name/run",
    {
      config: { role: "operate" },
      schema: {
        summary: "Enqueue the task of a schedule now, also while it is paused",
        tags: ["schedules"],
        params: SchedulePath,
        response: {
          201: z.strictObject({ schedule: z.string(), task_id: z.string(), outcome: z.string() }),
          ...FAILURES,
        },
      },
    },
    async (request, reply) => {
      const { name } = request.params;
      const { task } = knownSchedule(setting, name);
      const { taskId, outcome } = await queue.write(callerIn(request), (db) =>
        runSchedule(db, name, task),
      );
      reply.header("location", `/api/tasks/${taskId}`);
      return reply.code(201).send({ schedule: name, task_id: taskId, outcome });
    },
  );
}

import { z } from "zod";
import { changePriority, changeRunAt } from "../../database/operations.ts";
import { callerIn } from "../access.ts";
import { FAILURES } from "../failures.ts";
import type { Gateway, GatewayParts } from "../gateway.ts";
import { TaskPath } from "../shapes.ts";

/** `/api/tasks/{id}/priority` and `/api/tasks/{id}/run-at`: when a waiting task is claimed. */
export function changeTaskRoutes(app: Gateway, { queue }: GatewayParts): void {
  const response = {
    200: z.strictObject({
      task_id: z.string(),
      changed: z.boolean().describe("false: it was so before"),
    }),
    ...FAILURES,
  };
  app.post(
    "/api/tasks/:id/priority",
    {
      config: { role: "operate" },
      schema: {
        summary: "Claim a task earlier or later than others",
        tags: ["tasks"],
        params: TaskPath,
        body: z.strictObject({ priority: z.int().min(0).max(3) }),
        response,
      },
    },
    async (request) => {
      const { id } = request.params;
      const { priority } = request.body;
      const changed = await queue.write(callerIn(request), (db) =>
        changePriority(db, id, priority),
      );
      return { task_id: id, changed };
    },
  );
  app.post(
    "/api/tasks/:id/run-at",
    {
      config: { role: "operate" },
      schema: {
        summary: "Have a waiting task due at another time",
        tags: ["tasks"],
        params: TaskPath,
        body: z.strictObject({
          run_at: z.iso.datetime({ offset: true }).nullable().describe("null: now"),
        }),
        response,
      },
    },
    async (request) => {
      const { id } = request.params;
      const { run_at: text } = request.body;
      const at = text === null ? null : new Date(text);
      const changed = await queue.write(callerIn(request), (db) => changeRunAt(db, id, at));
      return { task_id: id, changed };
    },
  );
}

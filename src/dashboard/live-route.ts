import { z } from "zod";
import { FollowEnded } from "../client/follower.ts";
import { callerIn } from "../gateway/access.ts";
import { EventStream, eventText } from "../gateway/events/event-stream.ts";
import type { Gateway, GatewayParts } from "../gateway/gateway.ts";
import { TaskId } from "../gateway/shapes.ts";
import type { LiveChannel } from "./live.ts";

/** `GET /ui/live`: whether what a page shows has changed. With `task`, of that one at once. */
export function liveRoute(app: Gateway, parts: GatewayParts, channel: LiveChannel): void {
  app.get(
    "/ui/live",
    {
      config: { role: "read", isStream: true },
      exposeHeadRoute: false,
      schema: { querystring: z.strictObject({ task: TaskId.optional() }) },
    },
    async (request, reply) => {
      parts.streams.take(callerIn(request), reply);
      const stream = new EventStream(reply, parts.limits);
      const over = AbortSignal.any([stream.gone, parts.closing]);
      channel.listen(({ event, ...data }) => stream.write(eventText(event, data)), over);
      const { task } = request.query;
      if (task !== undefined) {
        await tellOfTask(parts, { task, stream, over });
      }
      if (!over.aborted) {
        await new Promise((resolve) => over.addEventListener("abort", resolve, { once: true }));
      }
      await stream.end("");
    },
  );
}

/** Never rejects: what is missed comes with the next `changed`. */
async function tellOfTask(
  { events }: GatewayParts,
  { task, stream, over }: { task: string; stream: EventStream; over: AbortSignal },
): Promise<void> {
  while (!over.aborted) {
    try {
      for await (const { status } of await events.begin({ taskId: task }, over)) {
        stream.write(eventText("task", { task, status }));
      }
      return;
    } catch (err) {
      if (err instanceof FollowEnded && err.reason === "closing") {
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, 1_000).unref());
    }
  }
}

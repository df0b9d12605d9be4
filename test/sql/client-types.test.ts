// What the compiler knows of a client that is typed by its handlers. `tsc` is the judge of
// the types; running the file shows that the statements hold at run time as well.
import { expect, expectTypeOf } from "vitest";
import { z } from "zod";
import {
  type Client,
  createClient,
  defineHandler,
  type PayloadOf,
  type Task,
} from "../../src/index.ts";
import { createTriageClient, type QueueStats } from "../../src/triage/client.ts";
import { test } from "../support/connections.ts";

const greet = defineHandler({
  payload: z.object({ name: z.string(), times: z.int().default(1) }),
  result: z.object({ greeting: z.string() }),
  run: ({ name }) => ({ greeting: `hello ${name}` }),
});
const count = defineHandler({
  payload: z.object({ to: z.int() }),
  run: () => undefined,
});

type Known = { greet: typeof greet; count: typeof count };

/** Never called: each line must be refused, or taken, by the compiler. */
function misuse(client: Client<Known>): Promise<unknown>[] {
  return [
    // @ts-expect-error -- There is no such handler.
    client.enqueue("gret", { name: "Ada" }),
    // @ts-expect-error -- The payload is that of another handler.
    client.enqueue("greet", { to: 3 }),
    // @ts-expect-error -- A required key is missing.
    client.enqueueMany([{ taskType: "greet", payload: {} }]),
    // @ts-expect-error -- There is no such option.
    client.enqueue("count", { to: 3 }, { prority: 1 }),
    client.enqueueMany([{ taskType: "count", payload: { to: 3 } }]),
  ];
}

test("a payload has the type that the handler takes", async ({ db }) => {
  const client = createClient<Known>({ pool: db });

  const task = await client.enqueue("greet", { name: "Ada" });

  expectTypeOf(task).toExtend<{ taskId: string; taskType: "greet" }>();
  expectTypeOf<PayloadOf<typeof greet>>().toEqualTypeOf<{
    name: string;
    times?: number | undefined;
  }>();
  expectTypeOf(misuse).toBeFunction();
  expect(task.taskType).toBe("greet");
});

test("the older names work on a client of any handlers", async ({ db }) => {
  const client = createClient<Known>({ pool: db });
  await client.enqueue("count", { to: 3 });
  const triage = createTriageClient(client);

  const stats = await triage.getQueueStats();

  expectTypeOf(stats).toEqualTypeOf<QueueStats>();
  expect(stats).toMatchObject({ type_counts: { count: 1 } });
});

test("wait gives what the handler declares", async ({ db }) => {
  const client = createClient<Known>({ pool: db });
  const task = await client.enqueue("greet", { name: "Ada" });
  await client.cancel(task.taskId);

  const ended = await client.wait(task);

  expectTypeOf(ended.result).toEqualTypeOf<{ greeting: string } | null>();
  expectTypeOf(ended.payload).toEqualTypeOf<PayloadOf<typeof greet>>();
  expectTypeOf(ended.status).toEqualTypeOf<Task["status"]>();
  expect(ended.status).toBe("cancelled");
});

test("an untyped client takes any task type and any object", async ({ db }) => {
  const client = createClient({ pool: db });

  const { outcome } = await client.enqueue("whatever", { any: ["thing"] });

  type Given = Parameters<Client["enqueue"]>;
  expectTypeOf<Given[0]>().toEqualTypeOf<string>();
  expectTypeOf<Given[1]>().toEqualTypeOf<Record<string, unknown>>();
  expect(outcome).toBe("created");
});

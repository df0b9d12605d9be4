import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { createClient } from "../../src/client/client.ts";
import { waitUntilTrue } from "./wait-until-true.ts";

const PAUSE_MS = 5;

/** Somebody who enqueues a `noop` every few milliseconds, and goes on after every error. */
export type SteadyProducer = AsyncDisposable & {
  /** The tasks whose enqueue was acknowledged, so far. */
  readonly acknowledged: () => readonly string[];
  /** Enqueues that ended in an error, so far: they may have been made or not. */
  readonly errors: () => number;
  /** Resolves when so many more were acknowledged. */
  readonly enqueueMore: (count: number) => Promise<void>;
  readonly stop: () => Promise<void>;
};

/** Enqueue until stopped, with the client that applications use. */
export function startSteadyProducer(url: string): SteadyProducer {
  const client = createClient({ connectionString: url });
  return produce({
    enqueue: async () => (await client.enqueue("noop", {})).taskId,
    close: () => client.close(),
  });
}

/** The same over HTTP. */
export function startHttpProducer(address: string): SteadyProducer {
  return produce({
    enqueue: async () => {
      const answer = await fetch(`${address}/api/tasks`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: '{"task_type":"noop"}',
      });
      if (answer.status !== 201) throw new Error(await answer.text());
      return Enqueued.parse(await answer.json()).task_id;
    },
    close: () => Promise.resolve(),
  });
}

const Enqueued = z.object({ task_id: z.string() });

function produce({
  enqueue,
  close,
}: {
  readonly enqueue: () => Promise<string>;
  readonly close: () => Promise<void>;
}): SteadyProducer {
  const acknowledged: string[] = [];
  let errors = 0;
  const stopping = new AbortController();
  const run = async () => {
    while (!stopping.signal.aborted) {
      await enqueue().then(
        (taskId) => acknowledged.push(taskId),
        () => (errors += 1),
      );
      await delay(PAUSE_MS);
    }
  };
  const running = run();
  let stopped: Promise<void> | undefined;
  const stop = () => {
    stopping.abort();
    return (stopped ??= running.then(() => close()));
  };
  return {
    acknowledged: () => acknowledged,
    errors: () => errors,
    enqueueMore: async (count) => {
      const goal = acknowledged.length + count;
      await waitUntilTrue(() => acknowledged.length >= goal, { deadlineMs: 20_000 });
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

import { setTimeout as delay } from "node:timers/promises";
import { type Client, createClient } from "../../src/client/client.ts";
import { QueueError } from "../../src/client/connection.ts";
import { randomFrom } from "./plan/random.ts";

/** Enqueues that wait for their answer at a time; more are left out, not put off. */
const IN_FLIGHT_MAX = 200;
const RETRY_MS = 200;
/** No task ends and frees its key, and is enqueued once more, by an answer that was lost. */
const KEY_HELD_MS = 86_400_000;
/** Of four enqueues, three have a key. */
const KEYED = 0.75;
const FAILURES = [1, 1, 2, 3];

/** What a producer was told, and what it was not. */
export type Accounts = {
  /** Of the tasks whose enqueue was answered. */
  readonly acknowledged: string[];
  /** Enqueues without a key whose answer was lost: the task may be there or not. */
  unknown: number;
  /** Enqueues that were asked again, having a key. */
  repeated: number;
  /** Turns that were left out, since too many waited for their answer. */
  leftOut: number;
};

/**
 * Enqueue at a steady rate until `stop`, then wait for the last answers. One with a dedupe
 * key is repeated until it is answered; one without is asked once, since nobody could tell a
 * second task from a repetition. Throws when the queue refuses.
 */
export async function produce(
  url: string,
  options: {
    name: string;
    seed: number;
    perSecond: number;
    stop: AbortSignal;
    /** Aborts when the answers that are missing will not come any more. */
    abandon: AbortSignal;
  },
): Promise<Accounts> {
  const { name, seed, perSecond, stop, abandon } = options;
  const accounts: Accounts = { acknowledged: [], unknown: 0, repeated: 0, leftOut: 0 };
  const client = createClient({ connectionString: url });
  const random = randomFrom(seed);
  const inFlight = new Set<Promise<void>>();
  const refused = Promise.withResolvers<never>();
  refused.promise.catch(() => undefined);
  try {
    const began = performance.now();
    for (let of = 1; !stop.aborted; of++) {
      const task = { ...taskOf(of, random), key: random() < KEYED ? `${name} ${of}` : null };
      if (inFlight.size < IN_FLIGHT_MAX) {
        const asked: Promise<void> = enqueue(client, task, { accounts, abandon })
          .catch(refused.reject)
          .finally(() => inFlight.delete(asked));
        inFlight.add(asked);
      } else {
        accounts.leftOut += 1;
      }
      const nextMs = began + (of * 1_000) / perSecond - performance.now();
      const wait = delay(Math.max(0, nextMs), undefined, { signal: stop });
      await Promise.race([wait.catch(() => undefined), refused.promise]);
    }
    await Promise.race([Promise.all(inFlight), refused.promise]);
    return accounts;
  } finally {
    await client.close();
  }
}

type Planned = { readonly type: string; readonly payload: Record<string, unknown> };

function taskOf(of: number, random: () => number): Planned {
  const kind = random();
  if (kind < 0.5) {
    return { type: "quick", payload: { of } };
  }
  if (kind < 0.85) {
    return { type: "slow", payload: { of, ms: 50 + Math.floor(random() ** 2 * 4_000) } };
  }
  return {
    type: "flaky",
    payload: { of, failures: FAILURES[Math.floor(random() * FAILURES.length)] },
  };
}

async function enqueue(
  client: Client,
  { type, payload, key }: Planned & { key: string | null },
  { accounts, abandon }: { accounts: Accounts; abandon: AbortSignal },
): Promise<void> {
  while (!abandon.aborted) {
    try {
      const { taskId } = await client.enqueue(
        type,
        payload,
        key === null ? {} : { dedupeKey: key, dedupeForMs: KEY_HELD_MS },
      );
      accounts.acknowledged.push(taskId);
      return;
    } catch (err) {
      if (err instanceof QueueError) {
        throw err;
      }
      if (key === null) {
        accounts.unknown += 1;
        return;
      }
      accounts.repeated += 1;
      await delay(RETRY_MS);
    }
  }
}

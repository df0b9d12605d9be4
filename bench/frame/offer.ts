import { setTimeout as delay } from "node:timers/promises";
import { Client } from "pg";
import { millisecondsBetween, now } from "./report.ts";

/** Sessions of the producer. With one, the round trips would bound the rate. */
const PRODUCERS = 8;

/** The sessions of one producer, connected. */
export type Producers = AsyncDisposable & { readonly clients: readonly Client[] };

export async function openProducers(url: string): Promise<Producers> {
  const clients = Array.from({ length: PRODUCERS }, () => new Client({ connectionString: url }));
  await Promise.all(clients.map((client) => client.connect()));
  return {
    clients,
    [Symbol.asyncDispose]: async () => {
      await Promise.all(clients.map((client) => client.end()));
    },
  };
}

/**
 * Offer `count` tasks, each when the clock says so: who is late does not wait, so the rate
 * holds as long as the sessions can. Resolves with the milliseconds that it took.
 */
export async function offer(
  { clients }: Producers,
  { perSecond, count }: { perSecond: number; count: number },
  enqueue: (client: Client, place: number) => Promise<void>,
): Promise<number> {
  const from = now();
  const elapsedMs = () => millisecondsBetween(from, now());
  let next = 0;
  const produce = async (client: Client) => {
    for (let place = next++; place < count; place = next++) {
      const earlyMs = (place / perSecond) * 1_000 - elapsedMs();
      if (earlyMs > 0) {
        await delay(earlyMs);
      }
      await enqueue(client, place);
    }
  };
  await Promise.all(clients.map(produce));
  return elapsedMs();
}

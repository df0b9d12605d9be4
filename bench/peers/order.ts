import { z } from "zod";
import type { Order } from "../contestants/peer-process.ts";

const Environment = z.object({ PEER_ORDER: z.string(), PEER_URL: z.string() });

/** What the bench wants of this process, and the server to do it on. */
export function readOrder(): { order: Order; url: string } {
  // oxlint-disable-next-line node/no-process-env -- A process of its own, started by the bench.
  const { PEER_ORDER, PEER_URL } = Environment.parse(process.env);
  // Only the bench starts this process.
  const order: Order = JSON.parse(PEER_ORDER);
  return { order, url: PEER_URL };
}

/** The payload is checked as our handlers check theirs. */
export const Noop = z.object({ of: z.int() });

/** Sizes of the batches that `count` makes. */
export function* batchesOf(count: number, size: number): Generator<number> {
  for (let rest = count; rest > 0; rest -= size) {
    yield Math.min(rest, size);
  }
}

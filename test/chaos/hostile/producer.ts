import { setTimeout as delay } from "node:timers/promises";
import { Client } from "pg";
import { randomFrom } from "../plan/random.ts";
import { ATTACKS, type AttackKind } from "./attacks.ts";
import type { HostileRepositories } from "./repositories.ts";

const PAUSE_MS = 250;
const CONNECT_MS = 200;
/** Long enough to stand in the way, and short enough to meet several things. */
const SESSION_ATTACKS = 8;

/** What was tried, and what the server let pass. */
export type HostileAccounts = {
  readonly attacks: Readonly<Record<string, number>>;
  /** Of them, those that ended with an error: refused, or their connection was lost. */
  readonly refused: number;
};

/**
 * Attack until `stop`, with the rights of a producer and no good will, in sessions that keep what
 * they have locked until they end. Never throws: what is refused is counted.
 */
export async function attack(
  url: string,
  {
    seed,
    repositories,
    stop,
  }: { seed: number; repositories: HostileRepositories; stop: AbortSignal },
): Promise<HostileAccounts> {
  const random = randomFrom(seed);
  const attacks: Partial<Record<AttackKind, number>> = {};
  let refused = 0;
  while (!stop.aborted) {
    const client = new Client({
      connectionString: url,
      application_name: "triaged worker session",
    });
    client.on("error", () => undefined);
    try {
      await client.connect();
      for (let of = 0; of < SESSION_ATTACKS && !stop.aborted; of += 1) {
        const { kind, make } = chooseFrom(random);
        attacks[kind] = (attacks[kind] ?? 0) + 1;
        await make(client, { random, repositories }).catch(() => {
          refused += 1;
        });
        await delay(PAUSE_MS, undefined, { signal: stop }).catch(() => undefined);
      }
    } catch {
      refused += 1;
      await delay(CONNECT_MS);
    } finally {
      await client.end().catch(() => undefined);
    }
  }
  return { attacks, refused };
}

function chooseFrom(random: () => number): (typeof ATTACKS)[number] {
  const chosen = ATTACKS[Math.floor(random() * ATTACKS.length)];
  if (chosen === undefined) {
    throw new Error("expected an attack, got none");
  }
  return chosen;
}

import { type RedisServer, redisVersion, startRedis } from "../frame/redis-server.ts";
import type { Stage } from "../frame/stage.ts";
import { INSTALL_PEERS, isInstalled, PEERS, type Peer } from "./peer-process.ts";

export type Peers = {
  readonly has: (peer: Peer) => boolean;
  /** For the time of a bench; null where the program or its client is not present. */
  readonly redis: RedisServer | null;
};

/** Say which peers are left out, and lend what the others need. */
export async function withPeers<Result>(
  stage: Stage,
  use: (peers: Peers) => Promise<Result>,
): Promise<Result> {
  const missing = PEERS.filter((peer) => !isInstalled(peer));
  if (missing.length > 0) {
    stage.note(`without ${missing.join(" and ")}, not installed: ${INSTALL_PEERS}`);
  }
  const has = (peer: Peer) => !missing.includes(peer);
  if (!has("bullmq")) {
    return await use({ has, redis: null });
  }
  if (redisVersion() === null) {
    stage.note("without BullMQ on Redis: there is no redis-server in the PATH");
    return await use({ has, redis: null });
  }
  await using redis = await startRedis();
  return await use({ has, redis });
}

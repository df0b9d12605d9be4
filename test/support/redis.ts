/** A Redis of a test's own. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { Redis } from "ioredis";
import { waitFor } from "./connections.ts";
import { freePort } from "./folders-and-ports.ts";

/** Debian's package redis-server; `.ci/run` installs it. */
export const hasRedis = ((): boolean => {
  try {
    execFileSync("redis-server", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();

/** Start one on loopback that keeps nothing on disk; resolves to its URL once it answers. */
export async function startRedis(): Promise<{ url: string; stop: () => Promise<void> }> {
  const port = await freePort();
  const child = spawn(
    "redis-server",
    ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
    { stdio: "ignore", cwd: "/tmp" },
  );
  const closed = once(child, "close");
  const url = `redis://127.0.0.1:${port}`;
  const redis = new Redis(url, { retryStrategy: () => 20 });
  redis.on("error", () => undefined);
  await waitFor(() => redis.ping().catch(() => null));
  redis.disconnect();
  return {
    url,
    stop: async () => {
      child.kill("SIGTERM");
      await closed;
    },
  };
}

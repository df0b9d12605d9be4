import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { freePort } from "../../test/support/folders-and-ports.ts";
import { waitFor } from "./wait-for.ts";

const HOST = "127.0.0.1";
const READY_MS_MAX = 10_000;
/** Faster than with: nothing is written to disk, and a crash loses all. */
const SETTINGS = ["--save", "", "--appendonly", "no"];

/** A Redis of this run alone. */
export type RedisServer = AsyncDisposable & {
  readonly url: string;
  /** One command whose answer is a line, such as `:0` for a number; throws what Redis refuses. */
  readonly ask: (command: string) => Promise<string>;
};

/** "7.0.15", or null where the program is not present. */
export function redisVersion(): string | null {
  try {
    const said = execFileSync("redis-server", ["--version"], { encoding: "utf8" });
    return /v=(\S+)/.exec(said)?.[1] ?? "of an unknown version";
  } catch {
    return null;
  }
}

/** Start one on a free port of the loopback device, with a temporary folder and no persistence. */
export async function startRedis(): Promise<RedisServer> {
  const folder = await mkdtemp(path.join(tmpdir(), "triaged-bench-redis-"));
  const port = await freePort();
  const child = spawn(
    "redis-server",
    ["--port", String(port), "--bind", HOST, "--dir", folder, ...SETTINGS],
    { stdio: "ignore" },
  );
  const closed = once(child, "close");
  const stop = async () => {
    child.kill("SIGTERM");
    await closed;
    await rm(folder, { recursive: true, force: true });
  };
  const ask = (command: string) => askLine(port, command);
  try {
    const isReady = async () => (await ask("PING").catch(() => "")) === "+PONG";
    await waitFor(isReady, { limitMs: READY_MS_MAX, everyMs: 20 });
  } catch (err) {
    await stop();
    throw err;
  }
  return { url: `redis://${HOST}:${port}`, ask, [Symbol.asyncDispose]: stop };
}

/** By the inline form of the protocol, so that no client is needed here. */
async function askLine(port: number, command: string): Promise<string> {
  const socket = connect({ host: HOST, port });
  try {
    socket.setEncoding("utf8").write(`${command}\r\n`);
    let answer = "";
    for await (const text of socket) {
      answer += String(text);
      if (answer.endsWith("\r\n")) {
        break;
      }
    }
    if (!/^[+:]/.test(answer)) {
      throw new Error(`expected an answer of Redis to ${command}, got ${JSON.stringify(answer)}`);
    }
    return answer.trim();
  } finally {
    socket.destroy();
  }
}

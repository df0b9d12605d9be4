import { once } from "node:events";
import { createServer } from "node:net";

/** Below those that the system gives to outgoing connections, which must not take it. */
const PORT_MIN = 18_000;
const PORT_MAX = 30_000;

/** A port that stays free while whoever listens on it restarts. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = PORT_MIN + Math.floor(Math.random() * (PORT_MAX - PORT_MIN));
    const server = createServer().listen(port, "127.0.0.1");
    const free = await once(server, "listening").then(
      () => true,
      () => false,
    );
    if (free) {
      server.close();
      await once(server, "close");
      return port;
    }
  }
}

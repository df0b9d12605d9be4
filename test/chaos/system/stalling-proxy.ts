import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import type { Host, Network } from "./network.ts";

/** Hosts that reach this machine through proxies, where namespaces are not allowed. */
export function openProxies(names: readonly string[], reason: string): Network {
  const lines = names.map((name) => new ProxiedHost(name));
  return {
    hosts: lines,
    listen: [],
    means: `proxies (no namespaces: ${reason})`,
    [Symbol.asyncDispose]: async () => {
      await Promise.all(lines.map((line) => line.close()));
    },
  };
}

/**
 * A host whose connections go through this process. Vanished, they stay open and carry
 * nothing, and what is sent meanwhile arrives later, as TCP would repeat it.
 */
class ProxiedHost implements Host {
  readonly name: string;
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();
  #state: "open" | "vanished" | "unplugged" = "open";

  constructor(name: string) {
    this.name = name;
  }

  within = (words: readonly string[]): string[] => [...words];

  addressOf = async (given: string): Promise<string> => {
    const url = new URL(given);
    const serverPort = Number(url.port);
    const server = createServer((client) => this.#carry(client, serverPort));
    this.#servers.push(server);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    if (typeof address !== "object" || address === null) {
      throw new Error("expected an address, got none");
    }
    url.hostname = "127.0.0.1";
    url.port = String(address.port);
    return url.href;
  };

  vanish = (): Promise<void> => {
    this.#state = "vanished";
    for (const socket of this.#sockets) {
      socket.pause();
    }
    return Promise.resolve();
  };

  unplug = (): Promise<void> => {
    this.#state = "unplugged";
    for (const socket of this.#sockets) {
      socket.destroy();
    }
    return Promise.resolve();
  };

  heal = (): Promise<void> => {
    this.#state = "open";
    for (const socket of this.#sockets) {
      socket.resume();
    }
    return Promise.resolve();
  };

  async close(): Promise<void> {
    await this.unplug();
    await Promise.all(
      this.#servers.map((server) => {
        server.close();
        return once(server, "close");
      }),
    );
  }

  #carry(client: Socket, port: number): void {
    const server = connect(port, "127.0.0.1");
    const cut = () => {
      client.destroy();
      server.destroy();
    };
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(from);
      from.on("error", cut);
      from.on("close", () => {
        this.#sockets.delete(from);
        cut();
      });
      // No pipe: it resumes by itself what is to stand still.
      from.on("data", (data) => to.write(data));
    }
    if (this.#state === "unplugged") {
      cut();
    } else if (this.#state === "vanished") {
      client.pause();
      server.pause();
    }
  }
}

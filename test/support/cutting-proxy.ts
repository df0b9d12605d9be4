import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { urlOf } from "./databases.ts";

export type CuttingProxy = {
  /** The database, by way of the proxy. */
  readonly url: string;
  /** Answers that were swallowed. */
  readonly cuts: () => number;
  /** From here on nothing passes on the connections that are there; new ones work. */
  readonly silence: () => void;
  /** The database is gone, with all connections to it; or back. */
  readonly setAway: (isAway: boolean) => void;
};

/**
 * Stand between a client and its database, and cut the connection in place of the first
 * answer that holds `mark`: the server has committed what the client never hears of. Null: only
 * when told to.
 */
export async function startCuttingProxy(
  databaseUrl: string,
  mark: string | null,
): Promise<CuttingProxy & AsyncDisposable> {
  const { hostname, port, pathname } = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  let cuts = 0;
  let generation = 0;
  let isGone = false;
  const server = createServer((client) => {
    if (isGone) {
      client.destroy();
      return;
    }
    const born = generation;
    const database = connect(Number(port === "" ? "5432" : port), hostname);
    const cut = () => {
      client.destroy();
      database.destroy();
    };
    for (const socket of [client, database]) {
      sockets.add(socket);
      socket.on("error", cut);
      socket.on("close", cut);
    }
    client.on("data", (question) => {
      if (born === generation) database.write(question);
    });
    client.on("end", () => database.end());
    database.on("data", (answer) => {
      if (born !== generation) {
        return;
      }
      if (mark !== null && cuts === 0 && answer.includes(mark)) {
        cuts += 1;
        cut();
      } else {
        client.write(answer);
      }
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (typeof address !== "object" || address === null) {
    throw new Error("expected an address, got none");
  }
  const url = new URL(urlOf(databaseUrl, pathname.slice(1)));
  url.hostname = "127.0.0.1";
  url.port = String(address.port);
  return {
    url: url.href,
    cuts: () => cuts,
    silence: () => {
      generation += 1;
    },
    setAway: (isAway) => {
      isGone = isAway;
      for (const socket of isAway ? sockets : []) socket.destroy();
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) {
        socket.destroy();
      }
      server.close();
      await once(server, "close");
    },
  };
}

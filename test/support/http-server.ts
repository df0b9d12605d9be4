import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener } from "node:http";

export type HttpServer = AsyncDisposable & {
  readonly url: string;
  readonly requests: readonly IncomingMessage[];
};

/** A server on loopback that remembers what it was asked. */
export async function serve(listener: RequestListener): Promise<HttpServer> {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    listener(request, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** HTTP servers on loopback: one that a test scripts, and a stub of GitHub and of webhooks. */
import { once } from "node:events";
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from "node:http";

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

export type StubIssue = { number: number; html_url: string; title: string; body: string };
export type Received = {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
};
/** Answers a request by itself and returns true, or leaves it to the stub. */
export type Behaviour = (received: Received, response: ServerResponse, stub: StubServer) => boolean;

/** What stands in for GitHub and for webhooks, on loopback. It remembers all it got. */
export type StubServer = AsyncDisposable & {
  readonly url: string;
  readonly received: Received[];
  /** By repository. */
  readonly issues: StubIssue[];
  readonly comments: string[];
  /** Make an issue as a POST does. */
  readonly createIssue: (received: Received) => StubIssue;
  /** Of the requests that matter, method and path. */
  readonly calls: () => string[];
};

/** Start it; `behaviour` says where it is not like GitHub. Stopped by `await using`. */
export async function startStub(behaviour: Behaviour = () => false): Promise<StubServer> {
  const server = await serve((request, response) => {
    const handle = async () => {
      const received = await receive(request);
      stub.received.push(received);
      if (!behaviour(received, response, stub)) {
        answer(received, response, stub);
      }
    };
    // A client that went away in the middle of its request is none to answer.
    handle().catch(() => response.destroy());
  });
  const stub: StubServer = {
    url: server.url,
    received: [],
    issues: [],
    comments: [],
    createIssue: ({ text }) => {
      const number = stub.issues.length + 1;
      const made = { number, html_url: `${stub.url}/issues/${number}`, ...JSON.parse(text) };
      stub.issues.push(made);
      return made;
    },
    calls: () => stub.received.map(({ method, path }) => `${method} ${path.replace(/\?.*/, "")}`),
    [Symbol.asyncDispose]: async () => await server[Symbol.asyncDispose](),
  };
  return stub;
}

async function receive(request: IncomingMessage): Promise<Received> {
  let text = "";
  for await (const chunk of request) {
    text += String(chunk);
  }
  const { method = "", url = "", headers } = request;
  return { method, path: url, headers, text };
}

function answer(received: Received, response: ServerResponse, stub: StubServer): void {
  const { method, path } = received;
  if (method === "GET" && /\/issues\?/.test(path)) {
    answerJson(response, 200, stub.issues);
  } else if (method === "POST" && path.endsWith("/issues")) {
    answerJson(response, 201, stub.createIssue(received));
  } else if (method === "POST" && path.endsWith("/comments")) {
    stub.comments.push(received.text);
    answerJson(response, 201, {});
  } else {
    answerJson(response, 200, {});
  }
}

export function answerJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(body));
}

/** Answers the first requests so, and leaves the others to the stub. */
export function answerFirst(count: number, status: number, headers = {}): Behaviour {
  let left = count;
  return (_received, response) => {
    if (left <= 0) {
      return false;
    }
    left -= 1;
    answerJson(response, status, { message: "no" }, headers);
    return true;
  };
}

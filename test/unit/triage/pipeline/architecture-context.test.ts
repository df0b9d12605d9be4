// Goal: whatever the knowledge base does, a task gets its answer within the limits, or none and a
// reason, and what it says is bounded text.

import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { pino } from "pino";
import { afterAll, expect, test } from "vitest";
import { CircuitBreaker } from "../../../../src/system/http.ts";
import {
  architectureContext,
  CONTEXT_LIMITS,
} from "../../../../src/triage/pipeline/architecture-context.ts";
import { answerJson, type Behaviour, serve, startStub } from "../../../support/http-servers.ts";

const BREAKER = { failuresMax: 2, windowMs: 60_000, pauseMs: 60_000 };
const logger = pino({ level: "silent" });
const { signal } = new AbortController();

const ask = (
  baseUrl: string,
  given: { repo?: string; breaker?: CircuitBreaker; timeoutMs?: number } = {},
) =>
  architectureContext(
    given.repo ?? "acme/pay",
    {
      baseUrl,
      breaker: given.breaker ?? new CircuitBreaker(BREAKER),
      timeoutMs: given.timeoutMs ?? 5_000,
    },
    { signal, logger },
  );

function says(body: unknown, status = 200): Behaviour {
  return (_received, response) => {
    answerJson(response, status, body);
    return true;
  };
}

function saysText(text: string): Behaviour {
  return (_received, response) => {
    response.end(text);
    return true;
  };
}

const numbered = (count: number, value: string) =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [at, value]));

const elsewhere = await startStub();
afterAll(async () => {
  await elsewhere[Symbol.asyncDispose]();
});

test("facts about the source become lines, and the evidence says where from", async () => {
  await using stub = await startStub(
    says({
      repository: "acme/pay",
      platform: "cloud run",
      ci_cd_platform: null,
      infrastructure: { region: "eu", replicas: 2, vault: { deep: true } },
      lessons_learned: [
        { lesson: "oldest" },
        { lesson: "keep port 8080" },
        "sign requests",
        { lesson: "two\nlines" },
      ],
      reusable_components: [{ name: "signer" }, { files: [] }],
    }),
  );

  const context = await ask(stub.url);

  expect(stub.calls()).toEqual(["GET /api/kb/deployment/acme/pay"]);
  expect(context.text.split("\n")).toEqual([
    "platform: cloud run",
    "infrastructure: region eu, replicas 2",
    "lesson: keep port 8080",
    "lesson: sign requests",
    "lesson: two lines",
    "reusable components: signer, and 1 more",
  ]);
  expect(context.evidence).toEqual({
    from: new URL(stub.url).host,
    repo: "acme/pay",
    status: "found",
    sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
  });
});

test.for([
  ["a deployment within the answer", { deployment: { platform: "x" } }, "platform: x"],
  ["escape sequences and what turns text", { a_key: "\u001b[31mred\u202e" }, "a key: red"],
  ["half of a character", { platform: "x\ud83d" }, /^platform: x/],
  ["keys without end", numbered(5_000, "v"), /^0: v\n(?:\d+: v\n){38}39: v$/],
  ["long values of many keys", numbered(40, "v".repeat(900)), /^[^]{4000}$/],
  ["a long value", { platform: "x".repeat(100_000) }, /^platform: x{500}$/],
] as const)("%s is bounded text", async ([, body, said]) => {
  await using stub = await startStub(says(body));

  const { text, evidence } = await ask(stub.url);

  expect(text).toMatch(said);
  expect(text.length).toBeLessThanOrEqual(CONTEXT_LIMITS.chars);
  expect(text.isWellFormed()).toBe(true);
  expect(evidence.status).toBe("found");
});

test.for([
  ["nothing of it", says({ repository: "acme/pay", lessons_learned: [] }), "none", /says nothing/],
  ["that it knows nothing", says({ error: "unknown" }, 404), "none", /answered 404/],
  ["500", says({}, 500), "unavailable", /answered 500$/],
  ["403", says({}, 403), "unavailable", /answered 403$/],
  ["a page", saysText("<html>hello</html>"), "unavailable", /is not JSON/],
  ["nothing", saysText(""), "unavailable", /is not JSON/],
  ["a list", says([1]), "unavailable", /not an object/],
  ["null", says(null), "unavailable", /not an object/],
  ["what is nested without end", saysText("[".repeat(200_000)), "unavailable", /is not JSON/],
  [
    "an object that is nested deeply",
    saysText(`{"a":${'{"a":'.repeat(20_000)}1${"}".repeat(20_000)}}`),
    "none",
    /says nothing/,
  ],
  ["a megabyte of JSON", says({ a: "x".repeat(1_000_000) }), "unavailable", /than 262144 bytes$/],
  ["fifty megabytes", saysText("x".repeat(50_000_000)), "unavailable", /more than 262144 bytes/],
] as const satisfies readonly [string, Behaviour, string, RegExp][])(
  "a knowledge base that answers %s costs the context alone",
  async ([, behaviour, status, reason]) => {
    await using stub = await startStub(behaviour);

    const { text, evidence } = await ask(stub.url);

    expect(text).toBe("");
    expect(evidence).toMatchObject({ status, sha256: null, reason: expect.stringMatching(reason) });
  },
);

test("it is not followed to another address", async () => {
  const location = `${elsewhere.url}/api/kb/deployment/acme/pay`;
  await using kb = await serve((_request, response) => {
    response.writeHead(302, { location }).end();
  });

  const { evidence } = await ask(kb.url);

  expect(evidence.reason).toMatch(/answered 302, and redirects are not followed$/);
  expect(elsewhere.received).toEqual([]);
});

test.for([
  ["says nothing", () => undefined],
  [
    "stops within its answer",
    (socket) => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"),
  ],
  [
    "sends a byte now and then",
    (socket) => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      const drops = setInterval(() => socket.write(" "), 20);
      socket.on("close", () => clearInterval(drops));
    },
  ],
] as const satisfies readonly [string, (socket: Socket) => unknown][])(
  "one that %s is left after the limit",
  async ([, behave]) => {
    const server = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.once("data", () => behave(socket));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;

    // Longer than its own limit, so that whose limit ended it shows.
    const { evidence } = await architectureContext(
      "acme/pay",
      { baseUrl: `http://127.0.0.1:${port}`, breaker: new CircuitBreaker(BREAKER), timeoutMs: 200 },
      { signal: AbortSignal.timeout(4_000), logger },
    );

    server.close();
    expect(evidence).toMatchObject({ status: "unavailable" });
    expect(evidence.reason).toMatch(/did not answer within 200 ms$/);
  },
);

test("one that cuts its answers off, or is not there, is left alone after some", async () => {
  await using kb = await serve((_request, response) => {
    response.writeHead(200, { "content-length": "100" });
    response.write("{");
    response.destroy();
  });
  const breaker = new CircuitBreaker(BREAKER);
  const reasons: (string | undefined)[] = [];
  for (let times = 0; times < 3; times += 1) {
    reasons.push((await ask(kb.url, { breaker })).evidence.reason);
  }

  expect(reasons).toEqual([
    expect.stringMatching(/did not answer: ECONNRESET$/),
    expect.stringMatching(/did not answer: ECONNRESET$/),
    expect.stringMatching(/failed too often and is left alone for a while$/),
  ]);
  expect(kb.requests).toHaveLength(2);
  expect((await ask("http://127.0.0.1:9")).evidence.reason).toMatch(/ECONNREFUSED$/);
});

test.for([
  "pay",
  "../admin",
  "acme/..",
  "acme/pay/../../x",
  "acme/pay?x=1",
  "acme/pay#",
  "a b/c",
  "",
])("nothing is asked of the repository %j, which would be another address", async (repo) => {
  const { evidence } = await ask(elsewhere.url, { repo });

  expect(evidence).toMatchObject({ status: "none", reason: "its name is not owner/name" });
  expect(elsewhere.received).toEqual([]);
});

test("a login in the address is told nowhere", async () => {
  const url = "http://kb:s3cret@127.0.0.1:9";

  expect(JSON.stringify(await ask(url))).not.toContain("s3cret");
});

test("a task that is ended does not count against the knowledge base", async () => {
  await using stub = await startStub(() => true);
  const stop = new AbortController();
  const breaker = new CircuitBreaker({ ...BREAKER, failuresMax: 1 });
  const asked = architectureContext(
    "acme/pay",
    { baseUrl: stub.url, breaker },
    { signal: stop.signal, logger },
  );
  await expect.poll(() => stub.received.length).toBe(1);

  stop.abort();

  expect((await asked).evidence.status).toBe("unavailable");
  expect(breaker.pauseOf(new URL(stub.url).host)).toBe(0);
});

// Goal: each kind of input that no task is made of has an answer that says so, and none a 500.

import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, expect, test } from "vitest";
import { createDatabase } from "../support/connections.ts";
import { withClient } from "../support/databases.ts";
import { startGateway } from "../support/gateway.ts";

const { url: databaseUrl, drop } = await createDatabase();
const gateway = await startGateway(databaseUrl, {
  limits: { headersMs: 300, requestMs: 600, lookMs: 50 },
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await drop();
});

const JSON_TYPE = { "content-type": "application/json" };
const deep = (levels: number) => `${"[".repeat(levels)}${"]".repeat(levels)}`;
const withPayload = (payload: string) => `{"task_type":"noop","payload":${payload}}`;

test.for([
  ["no JSON", "{task_type: noop}", 400, "not_json", "body is not JSON"],
  ["half a JSON", '{"task_type":', 400, "not_json", "body is not JSON"],
  ["no body", "", 422, "invalid_request", "body"],
  ["text in place of an object", '"noop"', 422, "invalid_request", "body"],
  ["null", "null", 422, "invalid_request", "body"],
  ["no task type", "{}", 422, "invalid_request", "body.task_type"],
  ["a number as type", '{"task_type":7}', 422, "invalid_request", "body.task_type"],
  ["an array as payload", withPayload("[]"), 422, "invalid_request", "body.payload"],
  ["an unknown field", '{"task_type":"noop","prority":1}', 422, "invalid_request", '"prority"'],
  ["a priority of 4", '{"task_type":"noop","priority":4}', 422, "invalid_request", "body.priority"],
  [
    "half an attempt",
    '{"task_type":"noop","max_attempts":1.5}',
    422,
    "invalid_request",
    "body.max",
  ],
  [
    "a time without zone",
    '{"task_type":"noop","run_at":"2099-01-01T00:00"}',
    422,
    "invalid_request",
    "body.run_at",
  ],
  [
    "a year beyond all",
    '{"task_type":"noop","run_at":"+275760-09-13T00:00:00Z"}',
    422,
    "invalid_request",
    "body.run_at",
  ],
  ["a long name", `{"task_type":"${"x".repeat(201)}"}`, 422, "invalid_request", "body.task_type"],
  [
    "a parent that is no id",
    '{"task_type":"noop","parent_task_id":"1 or 1=1"}',
    422,
    "invalid_request",
    "body.parent_task_id",
  ],
  [
    "a parent that is not there",
    '{"task_type":"noop","parent_task_id":"4711"}',
    404,
    "unknown_task",
    "4711",
  ],
  ["a NUL", withPayload('{"a":"\\u0000"}'), 422, "invalid_payload", "payload.a holds a NUL"],
  ["a NUL in a name", '{"task_type":"a\\u0000b"}', 422, "bad_argument", ""],
  [
    "half a character",
    withPayload('{"a":"\\ud800"}'),
    422,
    "invalid_payload",
    "payload.a holds half",
  ],
  [
    "a key of prototypes",
    withPayload('{"__proto__":{"admin":true}}'),
    422,
    "invalid_payload",
    "payload.__proto__",
  ],
  [
    "such a key deeper",
    withPayload('{"a":[{"__proto__":1}]}'),
    422,
    "invalid_payload",
    "__proto__",
  ],
  [
    "such a key in metadata",
    '{"task_type":"noop","metadata":{"__proto__":1}}',
    422,
    "invalid_payload",
    "body.metadata.__proto__",
  ],
  [
    "such a key of the body",
    '{"task_type":"noop","__proto__":{"queue":"x"}}',
    422,
    "invalid_request",
    "__proto__",
  ],
  [
    "201 levels",
    withPayload(`{"a":${deep(201)}}`),
    422,
    "invalid_payload",
    "nested deeper than 200",
  ],
  [
    "a million levels",
    withPayload(`{"a":${deep(500_000)}}`),
    422,
    "invalid_payload",
    "nested deeper",
  ],
  [
    "a million levels with a long number",
    `{"n":12345678901234567890,"a":${deep(500_000)}}`,
    400,
    "not_json",
    "nested too deep",
  ],
  [
    "a number beyond all",
    withPayload('{"n":1e999}'),
    422,
    "invalid_payload",
    "payload.n is a number",
  ],
  ["an empty array", "[]", 422, "invalid_request", "body"],
  [
    "a wrong task in an array",
    '[{"task_type":"noop"},{"task_type":""}]',
    422,
    "invalid_request",
    "body.1.task_type",
  ],
  [
    "a payload that is too long",
    withPayload(`{"a":"${"x".repeat(1_048_577)}"}`),
    422,
    "invalid_payload",
    "more than the limit",
  ],
  [
    "a body that is too large",
    withPayload(`{"a":"${"x".repeat(17_000_000)}"}`),
    413,
    "too_large",
    "",
  ],
] as const)("%s is answered", async ([, body, status, error, part]) => {
  const answer = await gateway.send("POST", "/api/tasks", { body, headers: JSON_TYPE });

  expect(answer).toMatchObject({ status, body: { error, message: expect.stringContaining(part) } });
  expect(answer.body).toHaveProperty("hint");
  expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
});

async function post(body: BodyInit, type: string): Promise<[number, string]> {
  const answer = await fetch(`${gateway.url}/api/tasks`, {
    method: "POST",
    body,
    headers: { "content-type": type },
  });
  return [answer.status, (await answer.json()).error];
}

test("text that is no UTF-8, and other content types, are answered", async () => {
  const task = '{"task_type":"noop"}';

  expect(await post(Buffer.from([0x22, 0xff, 0x22]), "application/json")).toEqual([
    400,
    "not_utf8",
  ]);
  expect(await post(task, "text/plain")).toEqual([415, "wrong_content_type"]);
  expect(await post(task, "application/x-www-form-urlencoded")).toEqual([
    415,
    "wrong_content_type",
  ]);
  expect(await post(`${task}\n{`, "application/x-ndjson")).toEqual([400, "not_json"]);
  expect(await post(`${task}\n`.repeat(10_001), "application/x-ndjson")).toEqual([
    413,
    "too_many_tasks",
  ]);
});

test.for([
  "/api/tasks/abc",
  "/api/tasks/0",
  "/api/tasks/-1",
  "/api/tasks/1.5",
  "/api/tasks/9223372036854775808",
  "/api/tasks/1%27%20or%20%271%27=%271",
  "/api/tasks/1%00",
  "/api/tasks?limit=0",
  "/api/tasks?limit=101",
  "/api/tasks?limit=ten",
  "/api/tasks?state=queued",
  "/api/tasks?status=flying",
  "/api/tasks?status=queued&status=failed",
  "/api/tasks?parent=x",
  "/api/tasks?after=1",
  "/api/tasks?after=2026-01-01T00:00:00Z_1%27",
  "/api/tasks/1/history?limit=1001",
])("%s is answered with 400, and one sentence", async (path) => {
  const answer = await gateway.send("GET", path);

  expect(answer).toMatchObject({
    status: 400,
    body: { error: "invalid_request", issues: [{}] },
  });
});

test("SQL is text wherever it stands", async () => {
  const sql = "x'); drop table triaged.live_tasks cascade; --";
  const { body } = await gateway.send("POST", "/api/tasks", {
    json: {
      task_type: sql,
      queue: sql,
      dedupe_key: sql,
      payload: { [sql]: sql, source_repo: sql },
      metadata: { context_id: sql },
    },
    headers: { "idempotency-key": sql },
  });
  const as = encodeURIComponent(sql);

  for (const filter of ["queue", "type", "context", "repo"]) {
    const list = await gateway.send("GET", `/api/tasks?${filter}=${as}`);
    expect(list.body.tasks).toMatchObject([{ task_id: body.task_id, task_type: sql }]);
  }
  expect((await gateway.send("POST", `/api/queues/${as}/pause`)).status).toBe(200);
  expect((await gateway.send("GET", `/api/tasks?after=2026-13-99T99:99:99Z_1`)).status).toBe(422);
});

/** Send bytes as they are; resolves to all that comes back. */
async function raw(...parts: readonly (string | number)[]): Promise<string> {
  const socket = connect(Number(new URL(gateway.url).port), "127.0.0.1");
  let answer = "";
  socket.setEncoding("utf8").on("data", (text: string) => (answer += text));
  socket.on("error", () => undefined);
  await once(socket, "connect");
  for (const part of parts) {
    if (typeof part === "string") socket.write(part);
  }
  await once(socket, "close");
  return answer;
}

const HEAD = "POST /api/tasks HTTP/1.1\r\nHost: localhost\r\ncontent-type: application/json\r\n";

test.for([
  ["two lengths", `${HEAD}content-length: 4\r\ncontent-length: 40\r\n\r\nnull`, "400", "not_http"],
  [
    "a length and chunks",
    `${HEAD}content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
    "400",
    "not_http",
  ],
  ["a length that is none", `${HEAD}content-length: 4x\r\n\r\nnull`, "400", "not_http"],
  ["a line within a header", `${HEAD}x-api-key: a\rX-Role: admin\r\n\r\n`, "400", "not_http"],
  ["no HTTP", "\u0016\u0003\u0001\r\n\r\n", "400", "not_http"],
  ["headers without end", `${HEAD}${"x: y\r\n".repeat(5_000)}\r\n`, "431", "headers_too_large"],
  [
    "a body that does not come",
    `${HEAD}content-length: 400\r\n\r\n{"task_type"`,
    "408",
    "too_slow",
  ],
  ["headers that do not come", "GET /api/tasks HTTP/1.1\r\nHost: local", "408", "too_slow"],
] as const)("%s is answered, and the connection closed", async ([, text, status, error]) => {
  const answer = await raw(text);

  expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(answer).toContain(`"error":"${error}"`);
});

test.for(["content-length: 400\r\n\r\n{", "transfer-encoding: chunked\r\n\r\n1\r\n{\r\n"])(
  "a body that stops after one byte ends in time at each door (%j)",
  async (rest) => {
    const doors = [
      "POST /rpc",
      "POST /a2a/execute",
      "POST /api/agent/tasks",
      "POST /api/webhook/github",
      "POST /api/webhook/change-notification",
      "POST /api/tasks/1/decide",
      "PATCH /api/agent/tasks/1",
    ];

    const answers = await Promise.all(
      doors.map((door) =>
        raw(`${door} HTTP/1.1\r\nHost: localhost\r\ncontent-type: application/json\r\n${rest}`),
      ),
    );

    for (const answer of answers) expect(answer).toMatch(/^HTTP\/1\.1 408 [^]*"error":"too_slow"/);
  },
);

test("nothing of all that was enqueued, or broke the queue", async () => {
  const { body } = await gateway.send("POST", "/api/tasks", { json: { task_type: "noop" } });
  const types = await withClient(databaseUrl, async (client) => {
    const { rows } = await client.query("select distinct task_type from triaged.tasks order by 1");
    return rows.map(({ task_type }) => task_type);
  });

  expect(body.outcome).toBe("created");
  expect(types).toEqual(["noop", "x'); drop table triaged.live_tasks cascade; --"]);
});

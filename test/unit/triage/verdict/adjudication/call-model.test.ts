// Goal: what may pass is tried again, and nothing else; nobody waits for a model for ever.

import { expect, test } from "vitest";
import { CircuitBreaker } from "../../../../../src/system/http.ts";
import {
  callModel,
  type ModelAccess,
} from "../../../../../src/triage/verdict/adjudication/call-model.ts";
import { freePort } from "../../../../support/folders-and-ports.ts";
import type { Behaviour } from "../../../../support/http-servers.ts";
import {
  accessTo,
  configFor,
  hangs,
  refuses,
  says,
  startModel,
} from "../../../../support/model-stub.ts";

const QUESTION = { instructions: "judge", document: "{}" };

function ask(access: ModelAccess, signal: AbortSignal = new AbortController().signal) {
  return callModel(QUESTION, access, signal);
}

const dropsTheConnection: Behaviour = (_received, response) => {
  response.destroy();
  return true;
};

test.for([
  ["408", refuses(408)],
  ["409", refuses(409)],
  ["425", refuses(425)],
  ["429", refuses(429)],
  ["500", refuses(500)],
  ["529", refuses(529)],
  ["a connection that drops", dropsTheConnection],
] as const)("the model is asked again after %s", async ([, trouble]) => {
  await using model = await startModel(trouble, trouble, says("well"));

  expect(await ask(accessTo(model))).toEqual({ text: "well", inputTokens: 700, outputTokens: 90 });
  expect(model.received).toHaveLength(3);
});

test.for([400, 401, 403, 404, 422, 302])(
  "the model is not asked again after %i",
  async (status) => {
    await using elsewhere = await startModel(says("caught"));
    await using model = await startModel(
      refuses(status, { location: elsewhere.url }),
      says("well"),
    );

    await expect(ask(accessTo(model))).rejects.toMatchObject({
      name: "ModelUnavailable",
      message: `${new URL(model.url).host} answered ${status}`,
    });
    expect(model.received).toHaveLength(1);
    expect(elsewhere.received).toEqual([]);
  },
);

test("after four tries the model counts as down", async () => {
  await using model = await startModel(refuses(429));

  await expect(ask(accessTo(model))).rejects.toThrow("answered 429");
  expect(model.received).toHaveLength(4);
});

test("a model that says when to come back is left alone until then", async () => {
  const at: number[] = [];
  const notedAt = (behaviour: Behaviour): Behaviour => {
    return (...request) => {
      at.push(performance.now());
      return behaviour(...request);
    };
  };
  await using model = await startModel(
    notedAt(refuses(429, { "retry-after": "1" })),
    notedAt(says("well")),
  );

  await ask(accessTo(model));

  const [first = 0, second = 0] = at;
  // The header counts in seconds; the wait between tries is a millisecond here.
  expect(second - first).toBeGreaterThan(900);
});

test("a model that wants to be left alone for long is not asked again", async () => {
  await using model = await startModel(refuses(429, { "retry-after": "3600" }), says("well"));

  await expect(ask(accessTo(model))).rejects.toThrow("answered 429");
  expect(model.received).toHaveLength(1);
});

test("a model that hangs is given up, each time", async () => {
  await using model = await startModel(hangs);

  await expect(ask(accessTo(model, { timeoutMs: 100 }))).rejects.toThrow(
    "did not answer: timeout of 100 ms",
  );
  expect(model.received).toHaveLength(4);
});

test("a model that begins an answer and stops is given up too", async () => {
  await using model = await startModel((_received, response) => {
    response.write('{"content":');
    return true;
  });

  await expect(ask(accessTo(model, { timeoutMs: 100 }))).rejects.toThrow(
    "did not answer: timeout of",
  );
});

test("an answer without an end is cut off", async () => {
  await using model = await startModel((_received, response) => {
    const pour = () => {
      while (!response.destroyed && response.write("x".repeat(65_536)));
    };
    response.on("drain", pour);
    pour();
    return true;
  });

  await expect(ask(accessTo(model))).rejects.toThrow("answered more than 1048576 bytes");
  expect(model.received).toHaveLength(1);
});

test("a model that failed five times is left alone, and asked again after a while", async () => {
  const clock = { ms: 0 };
  await using model = await startModel(
    ...Array.from({ length: 5 }, () => refuses(500)),
    says("well"),
  );
  const config = configFor(model);
  const access = {
    config,
    breaker: new CircuitBreaker(config.breaker, () => clock.ms),
    retryBaseMs: 1,
  };

  await expect(ask(access)).rejects.toThrow("answered 500");
  // The fifth failure is the first try of the second call, which ends with it.
  await expect(ask(access)).rejects.toThrow("answered 500");
  expect(model.received).toHaveLength(5);
  await expect(ask(access)).rejects.toThrow("failed too often and is left alone for a while");
  expect(model.received).toHaveLength(5);

  clock.ms += config.breaker.pauseMs;
  expect(await ask(access)).toMatchObject({ text: "well" });
});

test("no error tells the key or more of the address than its host", async () => {
  const port = await freePort();
  const access = accessTo({ url: `http://127.0.0.1:${port}/s3cret-path` });

  const err = await ask(access).catch((thrown: unknown) => thrown);

  expect(err).toMatchObject({ message: `127.0.0.1:${port} did not answer: ECONNREFUSED` });
  expect(String(Reflect.get(Object(err), "stack"))).not.toContain("s3cret");
});

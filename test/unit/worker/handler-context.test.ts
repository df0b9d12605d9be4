import { pino } from "pino";
import { expect, test } from "vitest";
import { databaseOf, type Statement } from "../../../src/database/database.ts";
import { AttemptContext } from "../../../src/worker/handler-context.ts";
import { makeClaimedTask } from "../../support/handlers.ts";

/** What a handler gets, and the statements that reach the database of its worker. */
function contextOf(signal = new AbortController().signal) {
  const asked: Statement[] = [];
  const task = makeClaimedTask();
  const taskDb = {
    schema: "other",
    query: (statement: Statement) => {
      asked.push(statement);
      return Promise.resolve([]);
    },
  };
  const attempt = { task, signal, sendProgress: () => {} };
  const input = { payloadText: "{}", metadataText: "{}", previousError: null, decisionText: null };
  const host = { logger: pino({ enabled: false }), taskDb };
  return { context: new AttemptContext(attempt, input, host).forHandler(), asked };
}

test("an application asks the database of the queue by the context of its handler", async () => {
  const { context, asked } = contextOf();

  expect(await databaseOf(context).query({ text: "select", values: [1] })).toEqual([]);

  expect(databaseOf(context).schema).toBe("other");
  expect(asked).toEqual([{ text: "select", values: [1] }]);
});

test("a copy of a context leads to the database as well", async () => {
  const { context, asked } = contextOf();
  const { logger: _logger, ...copy } = context;

  await databaseOf({ ...copy }).query({ text: "select" });

  expect(asked).toHaveLength(1);
});

test("an attempt that was told to stop asks nothing any more", async () => {
  const controller = new AbortController();
  const { context, asked } = contextOf(controller.signal);
  const db = databaseOf(context);
  const reason = new Error("lease lost");
  controller.abort(reason);

  await expect(db.query({ text: "select" })).rejects.toBe(reason);
  expect(asked).toEqual([]);
});

test("an object that is no context of a handler leads to no database", () => {
  expect(() => databaseOf({})).toThrow("expected the context that a worker gives its handler");
});

test("a handler takes its context apart, or copies it, and all of it still works", () => {
  const { context } = contextOf();
  const { task, signal, progress, note, effects, logger } = context;
  const copy = { ...context };

  progress(50, "half");
  note({ cache: "hit" });
  expect(() => effects.add({ kind: "webhook", key: "", payload: {} })).toThrow("expected key");
  expect(copy).toMatchObject({ attempt: context.attempt, decision: null, previousError: null });
  expect([copy.task, copy.signal, copy.logger]).toEqual([task, signal, logger]);
  expect(Object.keys(copy).toSorted()).toEqual([
    "attempt",
    "decision",
    "effects",
    "enqueue",
    "failureCount",
    "logger",
    "maxAttempts",
    "note",
    "previousError",
    "progress",
    "signal",
    "task",
  ]);
});

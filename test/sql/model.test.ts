// Goal: no sequence of events leads where the description of the queue does not.
// Method: fast-check makes up sequences of events by several workers, producers and operators.
// Each is driven at the SQL and at the model of test/model, which is the state machine in plain
// TypeScript; answers, rows and history must be equal. A failing sequence is shrunk to its core,
// and told with what runs it again.

import { Client } from "pg";
import { expect } from "vitest";
import { TASK_STATUSES, TRANSITIONS } from "../../src/model/task-status.ts";
import { findDisagreement } from "../model/compare.ts";
import { test as base } from "../support/connections.ts";

const RUNS = 600;
const LONGEST_MS = 300_000;

/** A connection without a transaction: each sequence has its own. */
const test = base.extend<{ client: Client }>({
  client: async ({ untouched }, use) => {
    const client = new Client({ connectionString: untouched.url });
    await client.connect();
    await use(client);
    await client.end();
  },
});

const LEGAL = TASK_STATUSES.flatMap((from) =>
  Object.entries(TRANSITIONS[from]).flatMap(([event, to]) =>
    to.map((status) => `${from} -> ${status} ${event}`),
  ),
);
/** What history tells beside. */
const ALSO = ["none -> queued enqueue", "queued -> queued replace", "started -> started cancel"];

test("the SQL and the model agree on any sequence; each transition happens, and no other", {
  timeout: LONGEST_MS,
}, async ({ client }) => {
  const { failure, covered } = await findDisagreement(client, { runs: RUNS, seed: 1 });

  expect(failure).toBeUndefined();
  expect([...covered.keys()].toSorted()).toEqual([...LEGAL, ...ALSO].toSorted());
});

test("they agree on sequences that nobody has tried", { timeout: LONGEST_MS }, async ({
  client,
}) => {
  const seed = Math.floor(Math.random() * 2 ** 31);

  expect(await findDisagreement(client, { runs: RUNS, seed })).toMatchObject({
    failure: undefined,
  });
});

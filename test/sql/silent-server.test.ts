// Goal: a server that takes the question and never answers is noticed.

import { expect } from "vitest";
import { inSchema } from "../../src/database/database.ts";
import { isTransient } from "../../src/database/sqlstate.ts";
import { test } from "../support/connections.ts";
import { poolOf } from "../support/databases.ts";

test("a statement without an answer fails, and may be tried on another connection", async ({
  database,
}) => {
  const pool = poolOf(database.url, { max: 1 });
  const db = inSchema(pool, "triaged", { answerMsMax: 100 });

  const failed = await db.query({ text: "select pg_sleep(600)" }).catch((err: unknown) => err);

  expect(isTransient(failed)).toBe(true);
  expect(await db.query({ text: "select 1 as one" })).toEqual([{ one: 1 }]);
  await pool.end();
});

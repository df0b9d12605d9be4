// Goal: a limit of payloads that a caller could lift would be none.
// Method: sessions with triaged.max_payload_bytes, as callers, administrators and owners set it.

import type { Client } from "pg";
import { expect } from "vitest";
import { test } from "../support/connections.ts";
import { logInAs, set } from "../support/hostile-role.ts";
import { call, enqueue, refusal } from "../support/tasks.ts";

const MIB = 1_048_576;

const enqueueOf = (db: Client, bytes: number) =>
  enqueue(db, { payload: { text: "x".repeat(bytes - '{"text": ""}'.length) } });

test("a caller lowers the limit of payloads for itself", async ({ db }) => {
  await logInAs(db, "triaged_api");
  await set(db, "max_payload_bytes", "1000");

  await enqueueOf(db, 1000);
  expect(await refusal(db, () => enqueueOf(db, 1001))).toMatchObject({ code: "TR003" });
});

test("a caller does not raise the limit of payloads, nor of metadata", async ({ db }) => {
  await logInAs(db, "triaged_owner");
  await set(db, "max_payload_bytes", String(8 * MIB));

  await enqueueOf(db, MIB);
  expect(await refusal(db, () => enqueueOf(db, MIB + 1))).toMatchObject({
    code: "TR003",
    message: `payload has ${MIB + 1} bytes, more than the limit of ${MIB}`,
  });
  const metadata = { text: "x".repeat(MIB) };
  expect(await refusal(db, () => enqueue(db, { metadata }))).toMatchObject({ code: "TR003" });
  expect(
    await refusal(db, () =>
      call(db, "enqueue_tasks", {
        tasks: JSON.stringify([{ task_type: "noop", payload: metadata }]),
      }),
    ),
  ).toMatchObject({ code: "TR003" });
});

test("the setting of the database raises it for all, and nobody gets around one that is lower", async ({
  db,
}) => {
  const alter = (bytes: number) =>
    db.query(
      `do $$ begin execute format('alter database %I set triaged.max_payload_bytes = ${bytes}', current_database()); end $$`,
    );
  await alter(2 * MIB);
  await logInAs(db, "triaged_api");

  // As a session has it that begins now.
  await set(db, "max_payload_bytes", String(2 * MIB));
  await enqueueOf(db, 2 * MIB);
  await set(db, "max_payload_bytes", String(4 * MIB));
  expect(await refusal(db, () => enqueueOf(db, 2 * MIB + 1))).toMatchObject({ code: "TR003" });

  await db.query("reset session authorization");
  await alter(100_000);
  await db.query("set local session authorization triaged_test_login");
  for (const value of ["", String(MIB)]) {
    await set(db, "max_payload_bytes", value);
    expect(await refusal(db, () => enqueueOf(db, 100_001))).toMatchObject({ code: "TR003" });
  }
});

test("an administrator raises it for one login, which cannot do so itself", async ({ db }) => {
  const alter = () =>
    db.query(`alter role triaged_test_login set triaged.max_payload_bytes = ${2 * MIB}`);
  await logInAs(db, "triaged_api");
  expect(await refusal(db, alter)).toMatchObject({ code: "42501" });

  await db.query("reset session authorization");
  await alter();
  await db.query("set local session authorization triaged_test_login");
  await set(db, "max_payload_bytes", String(4 * MIB));

  await enqueueOf(db, 2 * MIB);
  expect(await refusal(db, () => enqueueOf(db, 2 * MIB + 1))).toMatchObject({ code: "TR003" });
});

test("the owner of the queue raises the limit for its own session", async ({ db }) => {
  await set(db, "max_payload_bytes", String(2 * MIB));

  await enqueueOf(db, 2 * MIB);
  expect(await refusal(db, () => enqueueOf(db, 2 * MIB + 1))).toMatchObject({ code: "TR003" });
});

test.for(["a lot", "-1", "1e9", "99999999999", " "])(
  "a limit of %j is told to be none",
  async (value, { db }) => {
    await logInAs(db, "triaged_api");
    await set(db, "max_payload_bytes", value);

    expect(await refusal(db, () => enqueue(db))).toMatchObject({
      code: "22023",
      message: expect.stringContaining("triaged.max_payload_bytes"),
    });
  },
);

// What two connections do to the outbox at once.
import { expect } from "vitest";
import { test } from "../support/connections.ts";
import { addEffect, readEffects } from "../support/effects.ts";
import { call } from "../support/tasks.ts";

test("a line that one gatherer has is not in the digest of another, which does not wait", async ({
  connect,
}) => {
  const [one, other] = [await connect(), await connect()];
  await addEffect(one, { kind: "digest" });
  await other.query("set lock_timeout = '5s'");
  await one.query("begin");

  expect(await call(one, "gather_digest")).toEqual([{ gather_digest: 1 }]);
  expect(await call(other, "gather_digest")).toEqual([{ gather_digest: 0 }]);
  await one.query("commit");

  expect(await call(other, "gather_digest")).toEqual([{ gather_digest: 0 }]);
  expect((await readEffects(one)).map((row) => row["kind"])).toEqual(["digest", "github_issue"]);
});

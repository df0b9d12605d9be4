// Goal: an effect is in one hand at a time, and ends once.
import { expect } from "vitest";
import { test } from "../support/connections.ts";
import { addEffect, readEffect, readEffects } from "../support/effects.ts";
import { call, query, queryOne, setClock } from "../support/tasks.ts";

const NOON = "2027-01-31T12:00:00Z";

test("one claims an effect until its lease is over", async ({ db }) => {
  await setClock(db, NOON);
  const id = await addEffect(db);
  const claimFor = () => call(db, "claim_effect", { p_effect_id: id, p_lease_ms: 60_000 });

  expect(await claimFor()).toMatchObject([{ effect_id: id, attempts: 1 }]);
  expect(await claimFor()).toEqual([]);
  await setClock(db, "2027-01-31T12:00:59.999Z");
  expect(await claimFor()).toEqual([]);
  await setClock(db, "2027-01-31T12:01:00Z");
  expect(await claimFor()).toMatchObject([{ attempts: 2 }]);
});

test("an attempt that lost its effect records nothing about it", async ({ db }) => {
  await setClock(db, NOON);
  const id = await addEffect(db);
  await call(db, "claim_effect", { p_effect_id: id, p_lease_ms: 0 });
  await call(db, "claim_effect", { p_effect_id: id, p_lease_ms: 60_000 });
  const settleAs = (attempt: number) =>
    queryOne(db, "select triaged.settle_effect($1, $2, 'delivered', 'there') as status", [
      id,
      attempt,
    ]);

  expect(await settleAs(1)).toEqual({ status: null });
  expect(await readEffect(db, id)).toMatchObject({ status: "pending", external_ref: null });
  expect(await settleAs(2)).toEqual({ status: "delivered" });
  expect(await settleAs(2)).toEqual({ status: null });
  expect(await readEffect(db, id)).toMatchObject({
    status: "delivered",
    external_ref: "there",
    delivered_at: new Date(NOON),
  });
});

test("an effect that is delivered is not claimed again", async ({ db }) => {
  const id = await addEffect(db);
  await call(db, "claim_effect", { p_effect_id: id, p_lease_ms: 0 });
  await query(db, "select triaged.settle_effect($1, 1, 'delivered')", [id]);
  await db.query("update triaged.effects set attempts_max = attempts");

  expect(await call(db, "claim_effect", { p_effect_id: id, p_lease_ms: 0 })).toEqual([]);
  expect(await readEffect(db, id)).toMatchObject({ status: "delivered", last_error: null });
});

test("the last of its attempts ends an effect, and a retry gives it others", async ({ db }) => {
  await setClock(db, NOON);
  const id = await addEffect(db);
  await db.query("update triaged.effects set attempts_max = 1 where effect_id = $1", [id]);
  await call(db, "claim_effect", { p_effect_id: id, p_lease_ms: 60_000 });

  expect(
    await queryOne(db, "select triaged.settle_effect($1, 1, 'pending', null, 'no', 1) as status", [
      id,
    ]),
  ).toEqual({ status: "failed" });
  expect(await queryOne(db, "select triaged.retry_effect($1) as done", [id])).toEqual({
    done: true,
  });
  expect(await readEffect(db, id)).toMatchObject({ status: "pending", attempts_max: 21 });
  expect(await queryOne(db, "select triaged.retry_effect($1) as done", [id])).toEqual({
    done: false,
  });
});

test("an effect that no process lives to deliver is given up", async ({ db }) => {
  const id = await addEffect(db);
  await db.query("update triaged.effects set attempts = 20 where effect_id = $1", [id]);

  expect(await call(db, "claim_effect", { p_effect_id: id, p_lease_ms: 0 })).toEqual([]);
  expect(await readEffect(db, id)).toMatchObject({
    status: "failed",
    last_error: "each process that tried to deliver it died",
  });
});

test("an attempt that is under way is not given up", async ({ db }) => {
  const id = await addEffect(db);
  await db.query("update triaged.effects set attempts = 19 where effect_id = $1", [id]);
  await call(db, "claim_effect", { p_effect_id: id, p_lease_ms: 60_000 });

  expect(await call(db, "claim_effect", { p_effect_id: id, p_lease_ms: 60_000 })).toEqual([]);
  expect(await readEffect(db, id)).toMatchObject({ status: "pending", attempts: 20 });
});

test("a digest of long lines has as much of each as an issue tells", async ({ db }) => {
  for (const key of ["a", "b", "c"]) {
    const payload = {
      target_repo: "acme/shop",
      source_repo: "acme/lib",
      commit_sha: "1",
      impact_summary: key.repeat(900_000),
    };
    await addEffect(db, { kind: "digest", key, payload });
  }

  expect(await call(db, "gather_digest")).toEqual([{ gather_digest: 1 }]);

  const [made] = (await readEffects(db)).slice(3);
  expect(made?.["payload"]).toMatchObject({
    entries: ["a", "b", "c"].map((key) => ({ impact_summary: key.repeat(1_000) })),
  });
});

test("lines that wait for the digest become one issue for each target, once", async ({ db }) => {
  for (const [key, target] of [
    ["a", "acme/shop"],
    ["b", "acme/app"],
    ["c", "acme/shop"],
  ]) {
    const payload = { target_repo: target, source_repo: key, commit_sha: "1", impact_summary: key };
    await addEffect(db, { kind: "digest", key, payload });
  }

  expect(await call(db, "gather_digest")).toEqual([{ gather_digest: 2 }]);
  expect(await call(db, "gather_digest")).toEqual([{ gather_digest: 0 }]);
  const effects = await readEffects(db);
  expect(effects.slice(0, 3).map((row) => row["status"])).toEqual(Array(3).fill("delivered"));
  expect(effects.slice(3).map((row) => row["payload"])).toEqual(
    expect.arrayContaining([
      {
        target_repo: "acme/shop",
        entries: [
          { source_repo: "a", commit_sha: "1", impact_summary: "a" },
          { source_repo: "c", commit_sha: "1", impact_summary: "c" },
        ],
      },
      { target_repo: "acme/app", entries: [expect.objectContaining({ source_repo: "b" })] },
    ]),
  );
});

test("a target whose first line is younger than asked for waits on", async ({ db }) => {
  await setClock(db, NOON);
  await addEffect(db, { kind: "digest" });

  await setClock(db, "2027-01-31T12:00:59Z");
  expect(await call(db, "gather_digest", { waited_ms: 60_000 })).toEqual([{ gather_digest: 0 }]);
  await setClock(db, "2027-01-31T12:01:00Z");
  expect(await call(db, "gather_digest", { waited_ms: 60_000 })).toEqual([{ gather_digest: 1 }]);
});

test("a line for the digest is not delivered by itself", async ({ db }) => {
  const id = await addEffect(db, { kind: "digest" });

  expect(await call(db, "claim_effect", { p_effect_id: id, p_lease_ms: 0 })).toEqual([]);
});

test("effects that ended long ago go, those that wait stay", async ({ db }) => {
  for (const [key, status, days] of [
    ["old", "failed", 91],
    ["young", "skipped", 89],
    ["waiting", "pending", 91],
  ]) {
    const id = await addEffect(db, { key });
    await db.query(
      `update triaged.effects
       set status = $2, created_at = created_at - make_interval(days => $3) where effect_id = $1`,
      [id, status, days],
    );
  }

  expect(await call(db, "expire_effects", { effect_days: 0 })).toEqual([{ expire_effects: 0 }]);
  expect(await call(db, "expire_effects")).toEqual([{ expire_effects: 1 }]);
  expect((await readEffects(db)).map((row) => row["effect_key"])).toEqual(["young", "waiting"]);
});

import { expect } from "vitest";
import { test } from "../support/connections.ts";
import { changeEvent, notify } from "../support/relationships.ts";
import {
  call,
  claimTasks,
  enqueue,
  outcomeOf,
  readTask,
  refusal,
  setClock,
  settle,
  startWorker,
} from "../support/tasks.ts";

test("a change is a task that has the whole event", async ({ db }) => {
  const event = changeEvent({ package: { name: "p" }, unknown: [1] });

  const { task_id, outcome } = await notify(db, event);

  expect(outcome).toBe("created");
  expect(await readTask(db, task_id)).toMatchObject({
    task_type: "change_notification",
    payload: { source_repo: "owner/provider", change_event: event },
  });
});

test("the same commit on the same branch is one notification for 24 hours", async ({ db }) => {
  await setClock(db, "2026-01-01T00:00:00Z");
  const first = await notify(db);
  const [task] = await claimTasks(
    db,
    await startWorker(db, { task_types: ["change_notification"] }),
  );
  await settle(db, task === undefined ? [] : [outcomeOf(task, "finish")]);

  await setClock(db, "2026-01-01T23:59:59Z");
  // Another text, the same change.
  const again = await notify(db, changeEvent({ branch: "refs/heads/main", timestamp: "later" }));
  expect(again).toEqual({ task_id: first.task_id, outcome: "duplicate" });

  await setClock(db, "2026-01-02T00:00:01Z");
  expect(await notify(db)).toMatchObject({ outcome: "created" });
});

test("a notification that waits is the same for ever", async ({ db }) => {
  await setClock(db, "2026-01-01T00:00:00Z");
  const first = await notify(db);
  await setClock(db, "2026-01-09T00:00:00Z");

  expect(await notify(db)).toEqual({ task_id: first.task_id, outcome: "duplicate" });
});

test.for([
  { source_repo: "o/other" },
  { commit_sha: "1" },
  { branch: "next" },
  { package: { name: "p", from: "1.0.0", to: "2.0.0" } },
])("%j is another change", async (difference, { db }) => {
  await notify(db);

  expect(await notify(db, changeEvent(difference))).toMatchObject({ outcome: "created" });
});

test("queue and priority are the producer's choice", async ({ db }) => {
  const given = { event: changeEvent(), queue: "triage", priority: "high" };
  const [notified] = await call<{ task_id: string }>(db, "notify_change", given);

  expect(await readTask(db, notified?.task_id ?? "")).toMatchObject({
    queue: "triage",
    priority: 1,
  });
});

test.for([
  ["no branch", changeEvent({ branch: undefined }), "the text branch"],
  [
    "an empty sha and no message",
    changeEvent({ commit_sha: " ", commit_message: null }),
    "the text commit_sha, and the text commit_message",
  ],
  [
    "a source that is no repository",
    changeEvent({ source_repo: "../etc" }),
    "expected source_repo to be a repository",
  ],
] as const)("an event with %s is refused", async ([, event, message], { db }) => {
  const err = await refusal(db, () => notify(db, event));

  expect(err).toMatchObject({ code: "22023" });
  expect(err.message).toContain(message);
});

test("an event that is no object is refused", async ({ db }) => {
  const err = await refusal(db, () => db.query("select triaged.notify_change('[]')"));

  expect(err.message).toBe("expected the event to be a JSON object, got array");
});

test("an empty commit message is one", async ({ db }) => {
  expect(await notify(db, changeEvent({ commit_message: "" }))).toMatchObject({
    outcome: "created",
  });
  expect(await enqueue(db)).toBeDefined();
});

// Goal: who follows history is told of each transition once, in order, however transactions
// interleave, however many follow, and at no cost while nobody does.
import { once } from "node:events";
import type { Client } from "pg";
import { expect } from "vitest";
import { FollowEnded, type FollowFilter } from "../../src/client/follower.ts";
import { HistoryTail, type TailLimits } from "../../src/client/history-tail.ts";
import { inSchema } from "../../src/database/database.ts";
import type { Transition } from "../../src/database/rows.ts";
import { test as base, waitFor } from "../support/connections.ts";
import { poolOf } from "../support/databases.ts";
import { makeDays, setTime } from "../support/partitions.ts";
import {
  claimTasks,
  enqueue,
  outcomeOf,
  query,
  queryOne,
  settle,
  startWorker,
} from "../support/tasks.ts";

type Following = { readonly told: Transition[]; readonly ended: Promise<unknown> };
type TestTail = {
  readonly tail: HistoryTail;
  /** How often the database was asked. */
  readonly asked: () => number;
  /** Follow in the background; ends with the test. */
  readonly follow: (filter?: FollowFilter) => Promise<Following>;
};

const test = base.extend<{ limits: Partial<TailLimits>; following: TestTail }>({
  limits: {},
  following: async ({ url, limits }, use) => {
    const pool = poolOf(url);
    const over = new AbortController();
    let asked = 0;
    const tail = new HistoryTail({
      read: (work) => {
        asked += 1;
        return work(inSchema(pool));
      },
      limits,
    });
    await use({
      tail,
      asked: () => asked,
      follow: async (filter = {}) => {
        const follower = await tail.begin(filter, over.signal);
        const told: Transition[] = [];
        const ended = (async () => {
          try {
            for await (const transition of follower) told.push(transition);
            return null;
          } catch (err) {
            return err;
          }
        })();
        return { told, ended };
      },
    });
    over.abort();
    await tail.close();
    await pool.end();
  },
});

const idsOf = (rows: readonly { id: string }[]) => rows.map(({ id }) => Number(id));
const recorded = (client: Client, after = 0) =>
  query<{ id: string }>(
    client,
    "select history_id as id from triaged.task_history where history_id > $1 order by 1",
    [after],
  );

/** Tasks of two queues, each ended in some way. */
async function workOff(client: Client, count: number): Promise<void> {
  for (let place = 0; place < count; place += 1) {
    await enqueue(client, { task_type: "one", queue: place % 2 === 0 ? "day" : "night" });
  }
  const worker = await startWorker(client, { task_types: ["one"], queues: ["day", "night"] });
  const tasks = await claimTasks(client, worker, { max_tasks: count });
  await settle(
    client,
    tasks.map((task) => outcomeOf(task, "finish")),
  );
}

test("each transition is told once and in order, to all who want it", async ({
  client,
  following,
}) => {
  const all = await following.follow();
  const night = await following.follow({ queue: "night" });
  const others = await following.follow({ taskType: "two" });

  await workOff(client, 20);

  await waitFor(() => all.told.length >= 60);
  expect(idsOf(all.told)).toEqual(idsOf(await recorded(client)));
  expect(all.told[0]).toMatchObject({
    event: "enqueue",
    status: "queued",
    queue: "day",
    task_type: "one",
    attempt: 0,
    worker_id: null,
  });
  // Of a task that has ended by now, in its other table.
  expect(night.told.map(({ event }) => event).toSorted()).toEqual(
    ["claim", "enqueue", "finish"].flatMap((event) => Array.from({ length: 10 }, () => event)),
  );
  expect(new Set(night.told.map(({ queue }) => queue))).toEqual(new Set(["night"]));
  expect(others.told).toEqual([]);
});

test("a late commit is told, and nothing that came before a follower", async ({
  connect,
  following,
}) => {
  const [late, client] = [await connect(), await connect()];
  await late.query("begin");
  await enqueue(late, { task_type: "late" });
  await workOff(client, 4);
  const { told } = await following.follow();
  await workOff(client, 4);

  await late.query("commit");

  await waitFor(() => told.length >= 13);
  expect(told[0]).toMatchObject({ task_type: "late" });
  expect(idsOf(told.slice(1))).toEqual(idsOf(await recorded(client, 13)));
});

test("a transaction that is prepared, and commits later, is told", async ({
  connect,
  skip,
  following,
}) => {
  const [late, client] = [await connect(), await connect()];
  const { max } = await queryOne<{ max: string }>(
    client,
    "select current_setting('max_prepared_transactions') as max",
  );
  skip(max === "0", "the server allows no prepared transactions");
  const { told } = await following.follow();
  await late.query("begin");
  await enqueue(late, { task_type: "late" });
  await workOff(client, 2);
  const asked = following.asked();
  await waitFor(() => following.asked() > asked + 3);
  await late.query("prepare transaction 'late'");
  await workOff(client, 2);
  const askedAgain = following.asked();
  await waitFor(() => following.asked() > askedAgain + 3);
  expect(told).toEqual([]);

  await client.query("commit prepared 'late'");

  await waitFor(() => told.length >= 13);
  expect(idsOf(told)).toEqual(idsOf(await recorded(client)));
});

test("a transaction that stays open does not keep back what becomes of a single task", async ({
  connect,
  following,
}) => {
  const [late, client] = [await connect(), await connect()];
  const taskId = await enqueue(client, { task_type: "one" });
  const one = await following.follow({ taskId });
  const all = await following.follow();
  await late.query("begin");
  await enqueue(late, { task_type: "late" });

  await client.query("select triaged.cancel_task($1)", [taskId]);

  await waitFor(() => one.told.length === 1);
  expect(all.told).toEqual([]);
  await late.query("commit");
  await waitFor(() => all.told.length === 2);
  expect(one.told.map(({ event }) => event)).toEqual(["cancel"]);
});

test("following goes on behind a transition: none is missed, and none told again", async ({
  client,
  following,
}) => {
  await workOff(client, 30);
  const all = idsOf(await recorded(client));
  const taskId = await enqueue(client, { task_type: "one" });
  const first = await following.follow({ after: "0" });
  const later = await following.follow({ after: "47" });
  const single = await following.follow({ after: "3", taskId });

  await client.query("select triaged.cancel_task($1)", [taskId]);

  await waitFor(() => first.told.length === 92 && later.told.length === 45);
  expect(idsOf(first.told)).toEqual([...all, 91, 92]);
  expect(idsOf(later.told)).toEqual([...all.slice(47), 91, 92]);
  await waitFor(() => single.told.length === 2);
  expect(idsOf(single.told)).toEqual([91, 92]);
});

test.for([
  ["x", "not_an_id"],
  ["-1", "not_an_id"],
  ["1e3", "not_an_id"],
  ["99999999999999999999", "not_an_id"],
  ["1000", "not_there_yet"],
] as const)(
  "there is no going on behind %s: %s",
  async ([after, reason], { client, following }) => {
    await workOff(client, 1);

    await expect(following.follow({ after })).rejects.toMatchObject({
      name: "UnknownTransition",
      reason,
    });
    expect(following.tail.size).toBe(0);
  },
);

test("nor behind one after which retention has dropped some", async ({ client, following }) => {
  await setTime(client, "2026-03-01T12:00:00Z");
  await makeDays(client, "task_history", "2026-03-01", "2026-03-02");
  await workOff(client, 2);
  await setTime(client, "2026-06-30T12:00:00Z");
  const dropped = await query(client, "select triaged.drop_expired_partitions(1, 1)");
  expect(dropped).not.toEqual([]);
  await workOff(client, 1);
  const old = await following.follow({ after: "5", taskId: "1" });

  expect(old.told).toEqual([]);
  await expect(following.follow({ after: "5" })).rejects.toMatchObject({ reason: "dropped" });
  const { told } = await following.follow({ after: "6" });

  await waitFor(() => told.length === 3);
});

const tightTest = test.extend({ limits: { waitingMax: 5 } });
tightTest(
  "a follower that takes nothing is cut at its limit, and the others are not",
  async ({ client, following }) => {
    const slow = await following.tail.begin({}, new AbortController().signal);
    // Takes one, if that comes before the others, and no more.
    const isCut = once(slow.cut, "abort");
    const ended = (async () => {
      for await (const transition of slow) {
        expect(transition.task_id).toBeDefined();
        await isCut;
      }
    })();
    ended.catch(() => undefined);
    const other = await following.follow({ queue: "none" });

    await workOff(client, 10);

    await isCut;
    await expect(ended).rejects.toMatchObject({ name: "FollowEnded", reason: "slow" });
    expect(following.tail.size).toBe(1);
    await following.tail.close();
    expect(await other.ended).toBeInstanceOf(FollowEnded);
  },
);

test("a server without the newest history ends those who follow, and tells whoever follows anew", async ({
  client,
  following: { follow },
}) => {
  await enqueue(client);
  const before = await follow();
  await enqueue(client);
  await waitFor(() => before.told.length === 1);

  // As on a standby that was promoted before it had got all.
  await client.query("set session_replication_role to replica");
  await client.query("delete from triaged.task_history where history_id > 1");
  await client.query("delete from triaged.live_tasks where task_id > 1");
  await client.query("select setval('triaged.task_history_history_id_seq', 1)");
  await client.query("set session_replication_role to origin");

  expect(await before.ended).toMatchObject({ name: "FollowEnded", reason: "went_back" });
  const after = await follow();
  await enqueue(client);
  await waitFor(() => after.told.length === 1);
  expect(idsOf(after.told)).toEqual([2]);
});

test("a hundred who begin together are served by two looks", async ({ following }) => {
  const over = new AbortController();

  await Promise.all(Array.from({ length: 100 }, () => following.tail.begin({}, over.signal)));

  // One that had begun when they came, and the next.
  expect(following.asked()).toBeLessThanOrEqual(2);
  over.abort();
});

test("nothing is asked while nobody follows", async ({ following }) => {
  const over = new AbortController();
  const follower = await following.tail.begin({}, over.signal);
  expect(following.asked()).toBeGreaterThan(0);
  over.abort();
  for await (const transition of follower) expect(transition).toBeUndefined();

  await waitFor(() => following.tail.behindMs === Number.POSITIVE_INFINITY);
  const asked = following.asked();
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(following.asked()).toBe(asked);
});

test("a database that goes away is told of, and following goes on behind it", async ({
  client,
  following,
}) => {
  const states: boolean[] = [];
  const { told } = await following.follow({ onAway: (isAway) => states.push(isAway) });
  const accept = (isOpen: boolean) =>
    client.query("update pg_database set datallowconn = $1 where datname = current_database()", [
      isOpen,
    ]);
  await accept(false);
  await client.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and pid <> pg_backend_pid()`,
  );
  await enqueue(client, { task_type: "one" });
  await waitFor(() => states.length === 1);
  await accept(true);

  await waitFor(() => told.length === 1);
  expect(states).toEqual([true, false]);
});

/** Events as calls of the queue, and its answers in the words of the model. */

import { type Client, DatabaseError } from "pg";
import {
  type Answer,
  DECISION,
  type Enqueue,
  type Event,
  type Outcome,
  reportOf,
  type Told,
  unordered,
} from "./events.ts";
import { LEASE_MS, WORKER_NAME } from "./rescue.ts";

/** The instant that the model calls 0. */
export const START = Date.parse("2031-05-05T00:00:00Z");

export type Statement = { readonly text: string; readonly values: unknown[] };

/** The call of the queue that is an event. */
export function statementOf(event: Event, now: number): Statement {
  switch (event.on) {
    case "register":
      return call("register_worker", {
        name: WORKER_NAME,
        task_types: ["noop"],
        queues: event.queues,
        max_attempts: [event.maxAttempts],
        lease: `${LEASE_MS} ms`,
      });
    case "heartbeat":
      return call("heartbeat_worker", { worker_id: event.worker });
    case "fall silent":
      return {
        text: `with silenced as (
            update triaged.workers set heartbeat_at = '-infinity'
            where worker_id = $1 and ended_at is null
            returning 1
          ) select exists (select from silenced)`,
        values: [event.worker],
      };
    case "end worker":
      return call("end_worker", { worker_id: event.worker });
    case "enqueue":
      return call("enqueue_task", argumentsOf(event.task, now));
    case "enqueue many":
      return call("enqueue_tasks", {
        tasks: JSON.stringify(event.tasks.map((task) => argumentsOf(task, now))),
      });
    case "claim":
      return event.lane === null
        ? call("claim_tasks", { worker_id: event.worker, max_tasks: event.max })
        : call("claim_tasks", {
            worker_id: event.worker,
            max_tasks: event.max,
            task_types: ["noop"],
            queues: [event.lane.queue],
            priorities: [event.lane.priority],
          });
    case "settle":
      return call("settle_tasks", { outcomes: JSON.stringify(event.outcomes.map(outcomeOf)) });
    case "progress": {
      const { task, attempt } = event.of;
      return call("report_progress", { task_id: task, attempt, progress_pct: event.percent });
    }
    case "release unknown":
      return call("release_unknown_tasks", {
        worker_id: event.worker,
        known_task_ids: event.known.map(({ task }) => task),
        known_attempts: event.known.map(({ attempt }) => attempt),
      });
    case "rescue":
      return call("rescue_tasks", { max_workers: event.maxWorkers, max_rescues: event.maxRescues });
    case "cancel":
    case "retry":
      return call(`${event.on}_task`, { task_id: event.task });
    case "decide":
      return call("decide_task", { task_id: event.task, decision: JSON.stringify(DECISION) });
    case "pause":
    case "resume":
      return call(`${event.on}_queue`, { queue: event.queue });
    case "wait":
      return stopClock(now + event.ms);
    case "expire":
      return call("expire_rows", {});
  }
}

/** Stop the queue's clock, for this transaction. */
export function stopClock(now: number): Statement {
  return { text: "select set_config('triaged.fake_now', $1, true)", values: [instant(now)] };
}

function call(name: string, given: Record<string, unknown>): Statement {
  const named = Object.entries(given).filter(([, value]) => value !== null);
  const places = named.map(([key], index) => `${key} => $${index + 1}`);
  return {
    text: `select * from triaged.${name}(${places.join(", ")})`,
    values: named.map(([, value]) => value),
  };
}

function argumentsOf(task: Enqueue, now: number): Record<string, unknown> {
  return {
    task_type: "noop",
    queue: task.queue,
    priority: String(task.priority),
    run_at: task.delay === null ? null : instant(now + task.delay),
    max_attempts: task.maxAttempts,
    dedupe_key: task.key,
    dedupe_mode: task.mode,
    dedupe_for: task.window === null ? null : `${task.window} ms`,
  };
}

function outcomeOf(given: Outcome) {
  const { task, attempt, outcome, delay } = given;
  return { task_id: task, attempt, outcome, delay_ms: delay, ...reportOf(given) };
}

function instant(ms: number): string {
  return new Date(START + ms).toISOString();
}

type Row = Record<string, unknown>;

/** Those that refuse, which spoils the transaction. */
const REFUSING: ReadonlySet<Event["on"]> = new Set(["cancel", "decide", "retry"]);

/** Those that answer with a list in no order. */
const LISTING: ReadonlySet<Event["on"]> = new Set(["claim", "settle", "release unknown", "rescue"]);

/** Call the queue for an event; resolves to the answer in the words of the model. */
export async function callQueue(db: Client, event: Event, now: number): Promise<Answer> {
  const { text, values } = statementOf(event, now);
  if (!REFUSING.has(event.on)) {
    return answerOf(event, (await db.query<Row>(text, values)).rows);
  }
  await db.query("savepoint operate");
  try {
    return answerOf(event, (await db.query<Row>(text, values)).rows);
  } catch (err) {
    await db.query("rollback to savepoint operate");
    if (err instanceof DatabaseError) {
      return { refused: err.code };
    }
    throw err;
  }
}

function answerOf(event: Event, rows: readonly Row[]): Answer {
  if (event.on === "wait") {
    return "";
  }
  if (event.on === "heartbeat") {
    const [{ held, cancel_requests: requests } = {}] = rows;
    return { held, requests: Array.isArray(requests) ? unordered(requests.map(tell)) : requests };
  }
  if (event.on === "enqueue" || event.on === "enqueue many") {
    return rows.map(tell);
  }
  return LISTING.has(event.on) ? unordered(rows.map(tell)) : Object.values(rows[0] ?? {})[0];
}

/** A row of an answer, by what it may say of a task. */
function tell(row: Row): Told {
  const attempt = row["attempt_count"] ?? row["attempt"];
  return {
    task: Number(row["task_id"]),
    ...(attempt === undefined ? {} : { attempt: Number(attempt) }),
    ...pick(row, "outcome"),
    ...pick(row, "status"),
  };
}

function pick(row: Row, column: string): Row {
  return column in row ? { [column]: row[column] } : {};
}

import { type Client, DatabaseError } from "pg";
import { type Answer, type Event, type Told, unordered } from "./events.ts";
import { statementOf } from "./statements.ts";

type Row = Record<string, unknown>;

/** Those that refuse, which spoils the transaction. */
const REFUSING: ReadonlySet<Event["on"]> = new Set(["cancel", "decide", "retry"]);

/** Those that answer with a list in no order. */
const LISTING: ReadonlySet<Event["on"]> = new Set(["claim", "settle", "release unknown", "rescue"]);

/** Do it to the queue; resolves to the answer in the words of the model. */
export async function drive(db: Client, event: Event, now: number): Promise<Answer> {
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

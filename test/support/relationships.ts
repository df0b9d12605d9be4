import type { Queryable } from "../../src/database/database.ts";
import { found } from "./connections.ts";
import { call, query } from "./tasks.ts";

type Row = Record<string, unknown>;

/** Save a relationship, by default of a consumer; resolves to what became of it. */
export async function relate(
  db: Queryable,
  source: string,
  target: string,
  given: { type?: string; config?: Row } = {},
): Promise<string> {
  const rows = await call<{ save_relationship: string }>(db, "save_relationship", {
    source_repo: source,
    target_repo: target,
    relationship_type: given.type ?? "api_consumer",
    relationship_config: given.config ?? {},
  });
  return found(rows[0]).save_relationship;
}

/** An event as producers send it. */
export function changeEvent(more: Row = {}): Row {
  return {
    source_repo: "owner/provider",
    commit_sha: "0a1b2c3",
    commit_message: "feat: change",
    branch: "main",
    ...more,
  };
}

type Notified = { task_id: string; outcome: string };

export async function notify(db: Queryable, event: Row = changeEvent()): Promise<Notified> {
  return found((await call<Notified>(db, "notify_change", { event }))[0]);
}

/** The tasks that were enqueued for another one, in the order of their targets. */
export async function childrenOf(db: Queryable, taskId: string): Promise<Row[]> {
  return await query(
    db,
    `select task_id, task_type, queue, status, root_task_id, payload ->> 'target_repo' as target,
       payload
     from triaged.tasks where parent_task_id = $1 order by target, task_id`,
    [taskId],
  );
}

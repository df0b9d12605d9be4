import { z } from "zod";
import { columnsOf, type Database, IsoTime } from "./database.ts";

/** A queue or a task type. */
export type Pausable = { readonly kind: "queue" | "task type"; readonly name: string };

const Pause = z.object({
  kind: z.enum(["queue", "task type"]),
  name: z.string(),
  paused_at: IsoTime,
});
export type Pause = z.output<typeof Pause>;

/** What is paused, at most `limit`. */
export async function listPauses(db: Database, limit: number): Promise<Pause[]> {
  const rows = await db.query({
    text: `select ${columnsOf(Pause.shape)} from triaged.pauses order by kind, name limit $1`,
    values: [limit],
  });
  return rows.map((row) => Pause.parse(row));
}

/** Claim nothing more of it; it stays paused since the first time. */
export async function pause(db: Database, { kind, name }: Pausable): Promise<void> {
  await db.query({
    text:
      kind === "queue" ? "select triaged.pause_queue($1)" : "select triaged.pause_task_type($1)",
    values: [name],
  });
}

export async function resume(db: Database, { kind, name }: Pausable): Promise<void> {
  await db.query({
    text:
      kind === "queue" ? "select triaged.resume_queue($1)" : "select triaged.resume_task_type($1)",
    values: [name],
  });
}

/** The names of queues or task types that a worker, a live task or a setting knows. */
export async function knownNames(db: Database, kind: Pausable["kind"]): Promise<string[]> {
  const rows = await db.query({
    text:
      kind === "queue"
        ? `select queue as name from triaged.queues
           union select unnest(queues) from triaged.workers where ended_at is null
           union select queue from triaged.queue_depth
           order by name`
        : `select task_type as name from triaged.task_types
           union select task_type from triaged.queue_depth
           order by name`,
  });
  return rows.map((row) => z.object({ name: z.string() }).parse(row).name);
}

import type { HandlerContext } from "../../handler.ts";
import type { KeyInputs } from "../key-inputs.ts";
import { type TriageResult, triageResult } from "../result.ts";
import { keepSecondsOf } from "./keep-for.ts";

/** The attempt that asks, and how it asks the database. */
export type CacheContext = Pick<HandlerContext, "task" | "attempt" | "query" | "logger">;

/** What the cache says: a verdict, another task that works it out, or that the caller is to. */
export type Taken =
  | { readonly verdict: TriageResult }
  | { readonly fillerTaskId: string }
  | "to be filled";

/**
 * Ask for the verdict of a key (sql/functions/triage/verdicts.sql). One that cannot be read, as no
 * version of the rules has stored it, counts for none.
 */
export async function takeVerdict(key: string, context: CacheContext): Promise<Taken> {
  const [row] = await context.query(
    "select verdict, filler_task_id::text from triaged.take_verdict($1, $2, $3)",
    [key, context.task.taskId, context.attempt],
  );
  if (row === undefined) return "to be filled";
  if (row["verdict"] === null) return { fillerTaskId: String(row["filler_task_id"]) };
  const { data: verdict } = triageResult.safeParse(row["verdict"]);
  return verdict === undefined ? "to be filled" : { verdict };
}

/**
 * Keep the verdict, and let go of its key. What the database says against it costs the next
 * one who asks an analysis, but not this task its result.
 */
export async function storeVerdict(
  verdict: TriageResult,
  { relationshipType, configHash }: Pick<KeyInputs, "relationshipType" | "configHash">,
  context: CacheContext,
): Promise<void> {
  const { key } = verdict.cache;
  try {
    await context.query(
      `select triaged.store_verdict(
         $1, $2, $3, $4::jsonb, $5, $6, make_interval(secs => $7::double precision)
       )`,
      [
        key,
        context.task.taskId,
        context.attempt,
        JSON.stringify(verdict),
        relationshipType,
        configHash,
        keepSecondsOf(verdict),
      ],
    );
  } catch (err) {
    context.logger.warn({ err, key }, "the verdict is not cached");
  }
}

/** Let go of a key without a verdict. Where even that fails, the end of the attempt does it. */
export async function leaveVerdict(key: string, context: CacheContext): Promise<void> {
  try {
    await context.query("select triaged.leave_verdict($1, $2, $3)", [
      key,
      context.task.taskId,
      context.attempt,
    ]);
  } catch (err) {
    context.logger.debug({ err, key }, "the key is let go at the end of the attempt");
  }
}

/** Tasks with stories for pages to show: each name, error and value has markup and escapes. */
import type { Queryable } from "../../src/database/database.ts";
import { addEffect } from "./effects.ts";
import { claimTasks, enqueue, outcomeOf, settle, startWorker } from "./tasks.ts";
import { makeResult } from "./triage-result.ts";

/** What must be seen on a page, and run nowhere. */
export const MARKUP = `<img src=x onerror="document.title='broken'"><script>document.title='broken'</script>`;
export const ESCAPES = "\u001b[31mred\u001b[0m \u202eturned";
/** Under a name that UI_REDACT has. */
export const SECRET = "s3cret";
export const HOSTILE = `${MARKUP} ${ESCAPES} token=${SECRET}`;

export type Stories = {
  readonly failed: string;
  readonly asked: string;
  readonly later: string;
  readonly running: string;
  readonly judged: string;
  readonly parent: string;
};

/** One task of each kind that pages tell apart; each by its id. */
export async function tellStories(db: Queryable): Promise<Stories> {
  const type = `mail ${MARKUP}`;
  const queue = `letters ${MARKUP}`;
  const worker = await startWorker(db, {
    name: `red ${MARKUP}`,
    host: MARKUP,
    queues: [queue],
    task_types: [type],
    concurrency: 20,
  });
  const make = (more: Record<string, unknown> = {}) =>
    enqueue(db, { task_type: type, queue, max_attempts: 1, payload: { note: HOSTILE }, ...more });
  const parent = await make({ payload: { [MARKUP]: { deep: [HOSTILE, "12345678901234567890"] } } });
  const failed = await make({ parent_task_id: parent, metadata: { label: HOSTILE } });
  const asked = await make();
  const running = await make();
  const judged = await make({
    payload: { source_repo: "acme/lib", target_repo: "acme/shop", note: HOSTILE, token: SECRET },
  });
  const claimed = await claimTasks(db, worker);
  const of = (id: string, outcome: string, more: Record<string, unknown> = {}) => {
    const task = claimed.find((one) => one.task_id === id);
    if (task === undefined) throw new Error(`task ${id} was not claimed`);
    return outcomeOf(task, outcome, more);
  };
  await db.query("select triaged.report_progress($1, 1, 40, $2)", [running, `reading ${HOSTILE}`]);
  await settle(db, [
    of(parent, "finish", { result: { message: HOSTILE } }),
    of(failed, "fail", {
      error: `Error: no route to host 17 ${HOSTILE}`,
      detail: { class: MARKUP },
    }),
    of(asked, "ask", { prompt: `Does it call ${HOSTILE}?`, result: { half: HOSTILE } }),
    of(judged, "finish", {
      result: makeResult({
        impact_summary: `It breaks ${MARKUP}`,
        evidence: { usage: "confirmed", degraded: [`no lockfile ${MARKUP}`] },
      }),
    }),
  ]);
  const later = await make({ run_at: "2100-01-01T00:00:00Z" });
  const effect = await addEffect(db, { kind: "webhook" });
  await db.query(
    `update triaged.effects set task_id = $1, status = 'failed', last_error = $2
     where effect_id = $3`,
    [judged, HOSTILE, effect],
  );
  return { failed, asked, later, running, judged, parent };
}

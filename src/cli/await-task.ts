import { WaitTimeoutError, waitForTask } from "../client/wait-for-task.ts";
import { EXIT_CODES } from "../errors.ts";
import { indented } from "../foreign-text.ts";
import type { Enqueued } from "../new-task.ts";
import type { Database } from "../postgres/database.ts";
import { whyTask } from "../postgres/operator-store.ts";
import { getTask, type TaskRow } from "../postgres/read-store.ts";
import { isFinal } from "../task-status.ts";
import { formatDuration } from "./format.ts";
import { note, print, printJson, withNumericIds } from "./print.ts";
import { renderResult } from "./render-result.ts";
import { WaitReporter } from "./wait-reporter.ts";

/** Of a process that Ctrl-C ended. */
const INTERRUPTED = 130;

/**
 * Wait for a task that was just enqueued, and print how it ended. Resolves to the exit
 * code: 0 finished, 1 failed or cancelled, 75 not ended in time. Ctrl-C ends the wait, not
 * the task.
 */
export async function awaitTask(
  db: Database,
  options: Enqueued & { json: boolean; timeout: number | undefined },
): Promise<number> {
  const { taskId, outcome, json } = options;
  const reporter = new WaitReporter(taskId, async () =>
    (await whyTask(db, taskId)).map(({ reason, hint }) => (hint ? `${reason} (${hint})` : reason)),
  );
  const interrupt = new AbortController();
  const onInterrupt = () => interrupt.abort();
  process.once("SIGINT", onInterrupt);

  let code: number = INTERRUPTED;
  let task: TaskRow | null = null;
  try {
    const ended = await waitForTask(db, taskId, {
      timeoutMs: options.timeout,
      signal: interrupt.signal,
      onProgress: (progress) => reporter.report(progress),
    });
    task = ended && (await getTask(db, taskId, { decimals: "kept" }));
    code = task?.status === "finished" ? EXIT_CODES.done : EXIT_CODES.crash;
  } catch (err) {
    if (!interrupt.signal.aborted && !(err instanceof WaitTimeoutError)) {
      throw err;
    }
    task = await getTask(db, taskId, { decimals: "kept" });
    code = interrupt.signal.aborted ? INTERRUPTED : EXIT_CODES.databaseUnreachable;
  } finally {
    process.off("SIGINT", onInterrupt);
    reporter.end();
  }

  if (json) {
    const { status = "unknown", result = null, error = null } = task ?? {};
    printJson(withNumericIds({ task_id: taskId, outcome, status, result, error }));
  } else {
    printEnd(taskId, task);
  }
  return code;
}

function printEnd(taskId: string, task: TaskRow | null): void {
  if (task === null) {
    note(`task ${taskId} is gone`);
  } else if (!isFinal(task.status)) {
    note(`task ${taskId} is ${task.status} and goes on\nhint: triaged show ${taskId}`);
  } else if (task.status === "finished") {
    note(`task ${taskId} finished ${durationOf(task)}\n`);
    print(renderResult(task.result));
  } else {
    note(`task ${taskId} ${task.status}: ${indented(task.error ?? "")}`);
    note(`hint: triaged history ${taskId}`);
  }
}

function durationOf({ started_at: started, ended_at: ended }: TaskRow): string {
  return started && ended ? `after ${formatDuration(ended.getTime() - started.getTime())}` : "";
}

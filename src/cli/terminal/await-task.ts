import { WaitTimeoutError, waitForTask } from "../../client/wait.ts";
import type { Database } from "../../database/database.ts";
import { getTask, whyTask } from "../../database/reader.ts";
import type { TaskProgress, TaskRow } from "../../database/rows.ts";
import { EXIT_CODES } from "../../model/errors.ts";
import type { Enqueued } from "../../model/task.ts";
import { isFinal } from "../../model/task-status.ts";
import { indented, visibleLine } from "../../model/text.ts";
import { formatDuration, note, print, printJson, renderResult, withNumericIds } from "./output.ts";

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

/** A task that is queued for so long deserves an explanation. */
const EXPLAIN_AFTER_MS = 3_000;

/**
 * Tells on stderr how a task that is waited for gets on: a terminal sees one line that
 * changes, a log a line for each change.
 */
class WaitReporter {
  readonly #taskId: string;
  /** Called once, when the task stays queued for seconds. Resolves to the reasons. */
  readonly #explain: () => Promise<readonly string[]>;
  readonly #startedMs = performance.now();
  #shown = "";
  #explained = false;

  constructor(taskId: string, explain: () => Promise<readonly string[]>) {
    this.#taskId = taskId;
    this.#explain = explain;
  }

  async report(progress: TaskProgress): Promise<void> {
    if (isFinal(progress.status)) {
      return; // How it ended is said by whoever waits.
    }
    const elapsedMs = performance.now() - this.#startedMs;
    this.#show(describe(progress), elapsedMs);
    if (progress.status === "queued" && elapsedMs > EXPLAIN_AFTER_MS && !this.#explained) {
      this.#explained = true;
      const reasons = await this.#explain();
      this.end();
      process.stderr.write(reasons.map((reason) => `  ${visibleLine(reason)}\n`).join(""));
    }
  }

  /** Leave the line that changes, so that the next output starts on a line of its own. */
  end(): void {
    if (process.stderr.isTTY && this.#shown !== "") {
      process.stderr.write("\r\u001b[K");
    }
  }

  #show(state: string, elapsedMs: number): void {
    if (process.stderr.isTTY) {
      process.stderr.write(`\r\u001b[Ktask ${this.#taskId}: ${state} ${formatDuration(elapsedMs)}`);
    } else if (state !== this.#shown) {
      process.stderr.write(`task ${this.#taskId}: ${state}\n`);
    }
    this.#shown = state;
  }
}

function describe({ status, attempt_count, progress_pct, current_step }: TaskProgress): string {
  return visibleLine(
    [
      status === "needs_decision" ? "waits for a decision (triaged decide)" : status,
      attempt_count > 1 ? `attempt ${attempt_count}` : "",
      progress_pct === null ? "" : `${progress_pct} %`,
      current_step ?? "",
    ]
      .filter((part) => part !== "")
      .join(", "),
  );
}

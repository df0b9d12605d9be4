import { visibleLine } from "../foreign-text.ts";
import type { TaskProgress } from "../postgres/read-store.ts";
import { isFinal } from "../task-status.ts";
import { formatDuration } from "./format.ts";

/** A task that is queued for so long deserves an explanation. */
const EXPLAIN_AFTER_MS = 3_000;

/**
 * Tells on stderr how a task that is waited for gets on: a terminal sees one line that
 * changes, a log a line for each change.
 */
export class WaitReporter {
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

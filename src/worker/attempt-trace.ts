/** An attempt as spans: its claim, its handler, its settle. Made only where an SDK listens. */
import { isRecord } from "../model/json.ts";
import type { ClaimedTask } from "../model/task.ts";
import {
  endSpan,
  isTraced,
  type Span,
  SpanKind,
  spanOf,
  startSpan,
  TRACEPARENT,
  withSpan,
} from "../system/tracing.ts";

/** When the claim of an attempt was asked, and answered, by `performance.now()`. */
export type ClaimTimes = { readonly askedMs: number; readonly answeredMs: number };

export class AttemptTrace {
  readonly #attempt: Span;

  /** The span begins with the claim: what a task waits for that is part of it. */
  private constructor(task: ClaimedTask, metadataText: string, claim: ClaimTimes) {
    const enqueued = enqueuedBy(metadataText);
    this.#attempt = startSpan(`attempt ${task.taskType}`, {
      kind: SpanKind.CONSUMER,
      parent: enqueued,
      links: enqueued === null ? [] : [enqueued],
      startMs: claim.askedMs,
      attributes: {
        "messaging.system": "triaged",
        "messaging.operation.type": "process",
        "messaging.destination.name": task.queue,
        "messaging.message.id": task.taskId,
        "triaged.task_type": task.taskType,
        "triaged.attempt": task.attempt,
      },
    });
    const claiming = startSpan("claim", { parent: this.#attempt, startMs: claim.askedMs });
    endSpan(claiming, { endMs: claim.answeredMs });
  }

  /** Null where nobody listens. */
  static start(task: ClaimedTask, metadataText: string, claim: ClaimTimes): AttemptTrace | null {
    return isTraced() ? new AttemptTrace(task, metadataText, claim) : null;
  }

  /** Call the handler: spans that it begins are below the attempt's. */
  run<Result>(handler: () => Result): Result {
    return withSpan(this.#attempt, handler);
  }

  /** Its end is on its way to the database; call what this returns when that has answered. */
  settle(ending: { readonly outcome: string; readonly error: string | null }) {
    this.#attempt.setAttribute("triaged.outcome", ending.outcome);
    const settling = startSpan("settle", { parent: this.#attempt });
    return (held: boolean): void => {
      endSpan(settling, held ? {} : { error: "the attempt no longer held its task" });
      endSpan(this.#attempt, ending.error === null ? {} : { error: ending.error });
    };
  }

  /** Nothing of it is recorded. */
  lose(): void {
    endSpan(this.#attempt, { error: "lease lost" });
  }
}

/** Metadata are the producer's, who may write anything there. */
function enqueuedBy(metadataText: string) {
  const metadata: unknown = metadataText.includes(`"${TRACEPARENT}"`)
    ? JSON.parse(metadataText)
    : null;
  return isRecord(metadata) ? spanOf(metadata[TRACEPARENT]) : null;
}

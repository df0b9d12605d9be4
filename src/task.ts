/** What a handler is given of its task. JSON text, which is parsed by the attempt, not before. */
export type TaskInput = {
  readonly payloadText: string;
  readonly metadataText: string;
  readonly decisionText: string | null;
  readonly previousError: string | null;
};

/** A task as a worker claimed it. Ids are text, because bigint is wider than number. */
export type ClaimedTask = {
  readonly taskId: string;
  readonly taskType: string;
  readonly queue: string;
  readonly attempt: number;
  readonly failureCount: number;
  readonly maxAttempts: number;
  readonly priority: number;
  /** Text: a Date would drop the microseconds, and this is a place in a lane. */
  readonly runAt: string;
  readonly parentTaskId: string | null;
  readonly rootTaskId: string | null;
} & (TaskInput | NoInput);

/** The claim left the input out, because it is long: the attempt loads it when it starts. */
type NoInput = { readonly [Part in keyof TaskInput]: null };

/** Whether the claim brought the input along. */
export function hasInput(task: ClaimedTask): task is ClaimedTask & TaskInput {
  return task.payloadText !== null;
}

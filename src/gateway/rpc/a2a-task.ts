/**
 * Tasks as agents see them: in the words of A2A 0.3, and in those of 1.0. The result of a task is
 * an artifact, and so is each artifact that it holds.
 */
import type { TaskRow } from "../../database/rows.ts";
import { isRecord } from "../../model/json.ts";
import { isFinal, type TaskStatus } from "../../model/task-status.ts";

/** Which words: `1.0` are those of methods such as GetTask, `0.3` of tasks/get and tasks.get. */
export type Dialect = "0.3" | "1.0";

const STATES: Record<TaskStatus, string> = {
  queued: "submitted",
  started: "working",
  needs_decision: "input-required",
  finished: "completed",
  failed: "failed",
  cancelled: "canceled",
};

function stateOf(status: TaskStatus, dialect: Dialect): string {
  const word = STATES[status];
  return dialect === "0.3" ? word : `TASK_STATE_${word.toUpperCase().replace("-", "_")}`;
}

/** The status of a state, in the words of either dialect; undefined for one that no task has. */
export function statusOfState(state: string): TaskStatus | undefined {
  const plain = state
    .toLowerCase()
    .replace(/^task_state_/, "")
    .replace("_", "-");
  const entry = Object.entries(STATES).find(([, word]) => word === plain);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- The keys of STATES.
  return entry?.[0] as TaskStatus | undefined;
}

/** What keeps tasks of one conversation together; without one, the task that began it. */
export function contextIdOf({ metadata, root_task_id, task_id }: TaskRow): string {
  const { context_id: given } = metadata;
  return typeof given === "string" && given !== "" ? given : (root_task_id ?? task_id);
}

export function taskOf(row: TaskRow, dialect: Dialect, { isWhole = true } = {}) {
  const task = {
    id: row.task_id,
    contextId: contextIdOf(row),
    status: statusIn(row, dialect),
    artifacts: isWhole ? artifactsOf(row, dialect) : [],
    metadata: {
      ...row.metadata,
      task_type: row.task_type,
      queue: row.queue,
      status: row.status,
      attempt_count: row.attempt_count,
      progress_pct: row.progress_pct,
      current_step: row.current_step,
    },
  };
  return dialect === "0.3" ? { kind: "task", ...task } : task;
}

/** That a task has a status now. */
export function statusUpdateOf(row: TaskRow, dialect: Dialect) {
  const update = {
    taskId: row.task_id,
    contextId: contextIdOf(row),
    status: statusIn(row, dialect),
  };
  return dialect === "0.3"
    ? { kind: "status-update", ...update, final: isFinal(row.status) }
    : { statusUpdate: update };
}

/** What a task that is finished has to give, one update each. */
export function artifactUpdatesOf(row: TaskRow, dialect: Dialect): object[] {
  return artifactsOf(row, dialect).map((artifact) => {
    const update = { taskId: row.task_id, contextId: contextIdOf(row), artifact, lastChunk: true };
    return dialect === "0.3" ? { kind: "artifact-update", ...update } : { artifactUpdate: update };
  });
}

/** How an answer has a task: 1.0 says by a name which of two things it is. */
export function namedTaskOf(row: TaskRow, dialect: Dialect): object {
  const task = taskOf(row, dialect);
  return dialect === "0.3" ? task : { task };
}

function statusIn(row: TaskRow, dialect: Dialect) {
  const changed = row.ended_at ?? row.started_at ?? row.created_at;
  const said = row.status === "needs_decision" ? row.decision_prompt : row.error;
  return {
    state: stateOf(row.status, dialect),
    timestamp: changed.toISOString(),
    ...(said === null || said === "" ? {} : { message: messageOf(row, said, dialect) }),
  };
}

function messageOf(row: TaskRow, text: string, dialect: Dialect) {
  const message = {
    messageId: `${row.task_id}-${row.attempt_count}-${row.status}`,
    taskId: row.task_id,
    contextId: contextIdOf(row),
    role: dialect === "0.3" ? "agent" : "ROLE_AGENT",
    parts: [partOf({ text }, dialect)],
  };
  return dialect === "0.3" ? { kind: "message", ...message } : message;
}

function artifactsOf({ result, status }: TaskRow, dialect: Dialect): object[] {
  if (status !== "finished" || result === null || result === undefined) {
    return [];
  }
  const held = isRecord(result) && Array.isArray(result["artifacts"]) ? result["artifacts"] : [];
  const texts = held.flatMap((one: unknown, place) => {
    const { name, content } = isRecord(one) ? one : {};
    return typeof name === "string" && typeof content === "string"
      ? [{ artifactId: `${place + 1}`, name, parts: [partOf({ text: content }, dialect)] }]
      : [];
  });
  return [
    { artifactId: "result", name: "result", parts: [partOf({ data: result }, dialect)] },
    ...texts,
  ];
}

/** 0.3 has objects alone as data. */
function partOf(part: { readonly text: string } | { readonly data: unknown }, dialect: Dialect) {
  if (dialect === "1.0") {
    return part;
  }
  return "text" in part
    ? { kind: "text", ...part }
    : { kind: "data", data: isRecord(part.data) ? part.data : { value: part.data } };
}

import type { ChildTask, HandlerContext } from "../../index.ts";
import { CHILD_KEY_HELD_MS, cacheKey } from "../facts/cache-key.ts";
import type { TriageResult } from "../facts/result.ts";
import type { TemplateTriagePayload } from "../template/payload.ts";

/**
 * The task that asks whether the template should take what the derivative has done to the same
 * files; null where there is nothing to ask. It is never asked for by a task that goes that
 * way itself, so that two repositories cannot ask each other for ever.
 */
export function reverseTask(
  result: TriageResult,
  payload: TemplateTriagePayload,
  task: HandlerContext["task"],
): ChildTask | null {
  const own = result.evidence.ancestry?.own_changes ?? null;
  const { relationship_config: config, source_repo, target_repo } = payload;
  const isBack = config.direction === "reverse" || task.metadata[REVERSE_OF] !== undefined;
  if (own === null || isBack) return null;
  return {
    taskType: "template_triage",
    payload: {
      source_repo: target_repo,
      target_repo: source_repo,
      change_event: {
        source_repo: target_repo,
        commit_sha: own.head_sha,
        base_sha: own.base_sha,
        commit_message: own.message,
        branch: "",
      },
      relationship_config: {
        ...config,
        direction: "reverse",
        source_clone_url: config.target_clone_url,
        target_clone_url: config.source_clone_url,
      },
    },
    queue: task.queue,
    metadata: { ...task.metadata, [REVERSE_OF]: task.taskId },
    dedupeKey: cacheKey({
      kind: "reverse template_triage",
      source_repo: target_repo,
      target_repo: source_repo,
      base_sha: own.base_sha,
      head_sha: own.head_sha,
    }),
    dedupeForMs: CHILD_KEY_HELD_MS,
  };
}

const REVERSE_OF = "reverse_of";

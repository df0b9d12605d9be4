import type { Attempt } from "../errors.ts";
import type { EffectMembers, Note, Outcome } from "../outcome.ts";
import { errorText } from "./error-text.ts";
import { resultText } from "./result-text.ts";

/** The end of an attempt, ready to be settled. */
export type Ending = Attempt & {
  readonly outcome: Outcome["outcome"];
  readonly error: string | null;
  /** Of a retry or a snooze. */
  readonly delayMs: number | null;
  /** One element of the array that triaged.settle_tasks takes. */
  readonly json: string;
  /** Elements of the array of effects that triaged.settle_tasks_with_effects takes. */
  readonly effects: readonly string[];
  /** Of `json` and `effects` together. */
  readonly bytes: number;
};

const NONE: readonly string[] = [];

const NOTE_BYTES_MAX = 4_096;

function noted(note: Note | undefined): string {
  return note === undefined ? "" : `,"detail":${resultText(note, NOTE_BYTES_MAX)}`;
}

/**
 * Write an outcome down. A result that cannot be stored makes the attempt fail for good,
 * because running the handler again would not help.
 */
export function endingOf(
  attempt: Attempt,
  outcome: Outcome,
  { resultBytesMax }: { resultBytesMax: number },
): Ending {
  const { taskId, attempt: number } = attempt;
  const base = `{"task_id":${taskId},"attempt":${number},"outcome":"${outcome.outcome}"`;
  const ending = (more: string, error: string | null = null, asked?: EffectMembers): Ending => {
    const json = `${base}${more}}`;
    const effects =
      asked?.map((members) => `{"task_id":${taskId},"attempt":${number},${members}}`) ?? NONE;
    const bytes = effects.reduce((sum, effect) => sum + Buffer.byteLength(effect), 0);
    return {
      taskId,
      attempt: number,
      outcome: outcome.outcome,
      error,
      delayMs: "delayMs" in outcome ? outcome.delayMs : null,
      json,
      effects,
      bytes: bytes + Buffer.byteLength(json),
    };
  };
  try {
    switch (outcome.outcome) {
      case "finish":
        return ending(
          `,"result":${resultText(outcome.result, resultBytesMax)}${noted(outcome.detail)}`,
          null,
          outcome.effects,
        );
      case "ask": {
        const result = resultText(outcome.result, resultBytesMax);
        return ending(
          `,"prompt":${JSON.stringify(outcome.prompt)},"result":${result}`,
          null,
          outcome.effects,
        );
      }
      case "fail":
        return ending(
          `,"error":${JSON.stringify(outcome.error)},"detail":${JSON.stringify(outcome.detail ?? {})}`,
          outcome.error,
        );
      case "retry":
        return ending(
          `,"error":${JSON.stringify(outcome.error)},"delay_ms":${outcome.delayMs},"detail":${JSON.stringify(outcome.detail ?? {})}`,
          outcome.error,
        );
      case "snooze":
        return ending(`,"delay_ms":${outcome.delayMs},"detail":${JSON.stringify(outcome.detail)}`);
      case "release":
        return ending("");
      case "cancelled":
        return ending(`,"error":${JSON.stringify(outcome.error)}`, outcome.error);
    }
  } catch (err) {
    return endingOf(
      attempt,
      { outcome: "fail", error: errorText(err), detail: { class: "validation" } },
      { resultBytesMax },
    );
  }
}

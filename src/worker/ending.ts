import type { EffectMembers, Note, Outcome } from "../model/outcome.ts";
import type { Attempt } from "../model/task.ts";
import { errorText, InvalidData } from "./failure.ts";

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

/**
 * The JSON of what a handler returned; undefined becomes null. Throws InvalidData
 * that says why it cannot be stored: running the handler again would not help.
 */
export function resultText(result: unknown, bytesMax: number): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(result);
  } catch (err) {
    throw new InvalidData(
      `the result cannot be written as JSON: ${err instanceof Error ? err.message.split("\n")[0] : String(err)}`,
    );
  }
  // Functions and symbols have no JSON; undefined has none either, and means no result.
  if (text === undefined) {
    if (result !== undefined) {
      throw new InvalidData(`the result cannot be written as JSON: it is a ${typeof result}`);
    }
    return "null";
  }
  const bytes = Buffer.byteLength(text);
  if (bytes > bytesMax) {
    throw new InvalidData(
      `the result has ${bytes} bytes, more than the limit of ${bytesMax}; store it elsewhere and return a reference`,
    );
  }
  if (text.includes("\\u") && UNSTORABLE.test(text)) {
    throw new InvalidData(
      "the result holds a NUL character or half of a surrogate pair, which jsonb cannot store",
    );
  }
  return text;
}

/** An escape that is not itself escaped, of NUL or of a lone surrogate. */
// unproven pattern -- the look back has it begin once in a run of backslashes
const UNSTORABLE = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/;

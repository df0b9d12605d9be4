/**
 * The end of an attempt, written down as the settle functions take it.
 */

import { codeOf, isOfStatement } from "../database/sqlstate.ts";
import type { EffectMembers, Note, Outcome } from "../model/outcome.ts";
import type { Attempt } from "../model/task.ts";
import { boundedText, errorText, InvalidData } from "./failure.ts";

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
      case "finish": {
        const result = resultText(outcome.result, resultBytesMax);
        // Nothing means the same, and is shorter.
        const told = result === "null" ? "" : `,"result":${result}`;
        return ending(`${told}${noted(outcome.detail)}`, null, outcome.effects);
      }
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

/** An end that the database refuses in any form is tried again after so long, in milliseconds. */
export const REFUSED_AGAIN_MS = 60_000;

/** What to record of an attempt whose end the database refuses, the best first. */
export function replacementsOf(refused: Ending, reason: unknown): readonly Outcome[] {
  const { outcome, error } = refused;
  const delayMs = refused.delayMs ?? REFUSED_AGAIN_MS;
  const code = codeOf(reason) ?? "too long";
  const wait = (of: number): Outcome => ({
    outcome: "snooze",
    delayMs: of,
    detail: { reason: `the end of the attempt cannot be stored (${code})` },
  });
  if (isOfStatement(reason) || outcome === "release") {
    // It may pass, and then the end is the true one; or there is nothing to replace.
    return [];
  }
  if (outcome === "snooze") {
    return [wait(delayMs)];
  }
  const what = outcome === "finish" || outcome === "ask" ? "result" : "error";
  const why = reason instanceof Error ? reason.message : String(reason);
  const whole = `the ${what} cannot be stored: ${why}${error === null ? "" : `; it was: ${error}`}`;
  const texts = [
    boundedText(whole),
    // Of the characters that every encoding has.
    boundedText(whole).replaceAll(/[^\n\u0020-\u007e]/gu, "?"),
    `the ${what} cannot be stored (${code})`,
  ];
  const retries = outcome === "retry" ? texts.map((text) => ended(text, delayMs)) : [];
  return [...retries, ...texts.map((text) => ended(text, null)), wait(REFUSED_AGAIN_MS)];
}

function ended(error: string, delayMs: number | null): Outcome {
  const detail = { class: "validation" } as const;
  return delayMs === null
    ? { outcome: "fail", error, detail }
    : { outcome: "retry", error, delayMs, detail };
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

import type { Logger } from "pino";
import { CircuitBreaker } from "../../../index.ts";
import type { TriageResult } from "../../facts/result.ts";
import { triageSettings } from "../../settings.ts";
import { ADJUDICATED, applyAnswer, isOpen, parseModelAnswer, UnusableAnswer } from "./answer.ts";
import { callModel, type ModelAccess, ModelUnavailable } from "./call-model.ts";
import type { Material } from "./material.ts";
import { documentFor, INSTRUCTIONS, PROMPT_VERSION } from "./prompt.ts";

/** All calls for one verdict; a task has ten minutes, and its analysis comes first. */
const ADJUDICATION_MS_MAX = 150_000;

const ASKED_MAX = 2;

type AdjudicationOptions = {
  /** Null: no model. */
  readonly access: ModelAccess | null;
  /** What to show beside the findings; called only where the model is asked. */
  readonly material: () => Material;
  readonly signal: AbortSignal;
  readonly logger: Logger;
};

/**
 * Put a verdict that the facts leave open to the model. Resolves to the verdict as the answer
 * settles and words it, or to what the rules say where nobody can be asked, or nothing usable
 * is answered; `adjudication` tells which. Rejects with the reason of `signal` alone: a model
 * that is down fails no task.
 */
export async function adjudicate(
  result: TriageResult,
  { access, material, signal, logger }: AdjudicationOptions,
): Promise<TriageResult> {
  if (access === null || !isOpen(result)) return result;
  const { model } = access.config;
  const used = new TokenUsage();
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(ADJUDICATION_MS_MAX)]);
    const settled = await askTwice(result, { access, material: material(), used, signal: limit });
    const changed = ADJUDICATED.filter(
      (key) => JSON.stringify(settled[key]) !== JSON.stringify(result[key]),
    );
    return { ...settled, adjudication: { used: true, model, ...used.tokens, changed } };
  } catch (err) {
    signal.throwIfAborted();
    const error = sentenceOf(err);
    logger.warn({ err, model }, "the model is of no help; the rules decide");
    return {
      ...result,
      adjudication: { used: false, model, ...used.tokens, changed: [], error },
    };
  }
}

class TokenUsage {
  #inputTokens = 0;
  #outputTokens = 0;

  add(inputTokens: number, outputTokens: number): void {
    this.#inputTokens += inputTokens;
    this.#outputTokens += outputTokens;
  }

  get tokens(): { input_tokens: number; output_tokens: number } {
    return { input_tokens: this.#inputTokens, output_tokens: this.#outputTokens };
  }
}

type Asking = {
  readonly access: ModelAccess;
  readonly material: Material;
  readonly used: TokenUsage;
  readonly signal: AbortSignal;
};

/** A second time after an answer that cannot be used; both times by the same words. */
async function askTwice(result: TriageResult, asking: Asking): Promise<TriageResult> {
  const { access, material, used, signal } = asking;
  const { model, inputCharsMax } = access.config;
  const document = documentFor(result, material, inputCharsMax);
  for (let asked = 1; ; asked += 1) {
    try {
      const said = await callModel({ instructions: INSTRUCTIONS, document }, access, signal);
      used.add(said.inputTokens, said.outputTokens);
      return applyAnswer(result, parseModelAnswer(said.text), { material, model });
    } catch (err) {
      if (!(err instanceof UnusableAnswer) || asked === ASKED_MAX) throw err;
    }
  }
}

/** For the result: of unforeseen errors only the name, as their messages may quote anything. */
function sentenceOf(err: unknown): string {
  if (err instanceof UnusableAnswer || err instanceof ModelUnavailable) return err.message;
  return err instanceof Error ? `the model could not be asked: ${err.name}` : "unknown error";
}

let known: ModelAccess | null | undefined;

/** The model of this process, by its settings; null without a key. */
export function modelAccess(): ModelAccess | null {
  if (known === undefined) {
    const { adjudication: config } = triageSettings();
    known = config === null ? null : { config, breaker: new CircuitBreaker(config.breaker) };
  }
  return known;
}

/** Who adjudicates, in words that enter the cache key: another one may say something else. */
export function adjudicatorOf(access: ModelAccess | null): string {
  return access === null ? "none" : `${access.config.model}, prompt ${PROMPT_VERSION}`;
}

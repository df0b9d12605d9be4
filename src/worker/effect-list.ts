import { EFFECT_KINDS, EFFECT_LIMITS, type Effect } from "../effect.ts";
import { PermanentError } from "../outcome.ts";
import { storable } from "./error-text.ts";
import { resultText } from "./result-text.ts";

/**
 * The effects that one attempt asked for, as JSON. They stay in memory until the attempt is
 * settled, and go with it.
 */
export class EffectList {
  /** Of each the members kind, key and payload, without the braces around them. */
  readonly #members: string[] = [];
  #bytes = 0;

  get members(): readonly string[] {
    return this.#members;
  }

  /**
   * Throws a PermanentError for what the outbox cannot hold: another attempt would ask for
   * the same.
   */
  add({ kind, key, payload }: Effect): void {
    const { countMax, keyMax, bytesMax } = EFFECT_LIMITS;
    if (!EFFECT_KINDS.includes(kind)) {
      throw new PermanentError(
        `expected kind to be one of ${EFFECT_KINDS.join(", ")}, got ${kind}`,
      );
    }
    if (typeof key !== "string" || key === "" || key.length > keyMax || storable(key) !== key) {
      throw new PermanentError(`expected key to be text of 1 to ${keyMax} characters`);
    }
    if (this.#members.length === countMax) {
      throw new PermanentError(`expected at most ${countMax} effects of one attempt`);
    }
    const text = payloadText(payload, bytesMax - this.#bytes);
    this.#bytes += Buffer.byteLength(text);
    this.#members.push(
      `"kind":${JSON.stringify(kind)},"key":${JSON.stringify(key)},"payload":${text}`,
    );
  }
}

function payloadText(payload: unknown, bytesMax: number): string {
  if (typeof payload !== "object" || payload === null || Array.isArray(payload)) {
    throw new PermanentError("expected the payload of an effect to be an object");
  }
  try {
    return resultText(payload, bytesMax);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new PermanentError(`an effect cannot be stored: ${reason}`, { cause });
  }
}

import { Breaker } from "../../breaker.ts";
import { readConfig } from "../../config.ts";
import type { ModelAccess } from "./call-model.ts";
import { PROMPT_VERSION } from "./prompt.ts";

let known: ModelAccess | null | undefined;

/** The model of this process, by its settings; null without a key. */
export function modelAccess(): ModelAccess | null {
  if (known === undefined) {
    const { adjudication: config } = readConfig();
    known = config === null ? null : { config, breaker: new Breaker(config.breaker) };
  }
  return known;
}

/** Who adjudicates, in words that enter the cache key: another one may say something else. */
export function adjudicatorOf(access: ModelAccess | null): string {
  return access === null ? "none" : `${access.config.model}, prompt ${PROMPT_VERSION}`;
}

import { type HandlerContext, NeedsDecision } from "../../index.ts";
import { type KeyInputs, verdictKey } from "../facts/cache-key.ts";
import { storableValue, type TriageResult } from "../facts/result.ts";
import { adjudicate, adjudicatorOf, modelAccess } from "../verdict/adjudication/adjudicate.ts";
import type { ModelAccess } from "../verdict/adjudication/call-model.ts";
import type { Material } from "../verdict/adjudication/material.ts";
import { awaitVerdict, cacheVerdict, leaveKey } from "../verdict/cache.ts";
import type { ArchitectureContext } from "./architecture-context.ts";

/** What an analysis came to. */
export type Ruled = {
  /** What the rules say; `cache`, `duration_ms` and `adjudication` are filled in afterwards. */
  readonly result: TriageResult;
  /** What to ask a person where no model settles it; null for nothing. */
  readonly question: string | null;
  /** What to show a model beside the findings. */
  readonly material: () => Material;
};

type VerdictRequest = {
  readonly handler: string;
  readonly version: string;
  readonly keyInputs: KeyInputs;
  /** What a person decided before, which no model overrules; null: nobody was asked. */
  readonly decision: string | null;
  /** When the attempt began, as `performance.now()` said. */
  readonly startedAt: number;
  /**
   * What a knowledge base says of the source. It decorates the result, and is an input where a model
   * may be asked: without one no verdict depends on it. @default null
   */
  readonly context?: ArchitectureContext | null;
  /** Runs where nobody has reached this verdict yet. */
  readonly analyse: () => Promise<Ruled>;
  /** @default the model of the settings */
  readonly access?: ModelAccess | null;
};

/**
 * A verdict, from the cache or worked out: look up, analyse, adjudicate, ask, store. Of tasks
 * that need the same one at a time, one works it out and the others wait. What it asks of the
 * outside world is up to the caller, for a hit as well: effects are known by their keys.
 *
 * Rejects with what `analyse` rejects with, and with a NeedsDecision; neither is cached.
 */
export async function reachVerdict(
  about: VerdictRequest,
  context: HandlerContext,
): Promise<TriageResult> {
  const { decision, context: known = null } = about;
  const access = decision === null ? accessOf(about) : null;
  const key = verdictKey(about.keyInputs, {
    ...about,
    adjudicator: adjudicatorOf(access),
    contextHash: access === null ? null : (known?.evidence.sha256 ?? null),
  });
  const finished = (result: TriageResult, hit: boolean): TriageResult => {
    context.note({ cache: hit ? "hit" : "miss" });
    const duration_ms = Math.round(performance.now() - about.startedAt);
    return { ...result, cache: { hit, key }, duration_ms };
  };

  const cached = await awaitVerdict(key, context);
  if (cached !== null) return decorated(finished(cached, true), known);
  try {
    const ruled = await about.analyse();
    const { signal, logger } = context;
    const material = () => ({ ...ruled.material(), context: known?.text ?? "" });
    const settled = await adjudicate(ruled.result, { material, access, signal, logger });
    const result = storableValue(finished(settled, false));
    if (ruled.question !== null && decision === null && !settled.adjudication.used) {
      throw new NeedsDecision(storableValue(ruled.question), decorated(result, known));
    }
    await cacheVerdict(result, about.keyInputs, context);
    return decorated(result, known);
  } catch (err) {
    await leaveKey(key, context);
    throw err;
  }
}

/** What is cached has no context: the next one who asks has that of his own moment. */
function decorated(result: TriageResult, known: ArchitectureContext | null): TriageResult {
  return known === null
    ? result
    : {
        ...result,
        architecture_context: known.text,
        evidence: { ...result.evidence, context: known.evidence },
      };
}

function accessOf({ access }: VerdictRequest): ModelAccess | null {
  return access === undefined ? modelAccess() : access;
}

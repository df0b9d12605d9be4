/** One attempt at an effect: claim it, send it or write it down, and record how that ended. */
import { mkdir, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import pRetry from "p-retry";
import type { Logger } from "pino";
import type { EffectEnd } from "../database/arguments.ts";
import type { Database } from "../database/database.ts";
import { claimEffect, readPushConfig, settleEffect } from "../database/outbox.ts";
import type { ClaimedEffect } from "../database/rows.ts";
import { backoffMs } from "../model/backoff.ts";
import type { EffectStatus } from "../model/effect.ts";
import { PermanentError, RetryableError } from "../model/outcome.ts";
import type { EffectsConfig } from "../settings/effects.ts";
import { failpoint } from "../system/failpoint.ts";
import type { CircuitBreaker } from "../system/http.ts";
import { Observation } from "../system/observation.ts";
import { inSpan, SpanKind, spanOf } from "../system/tracing.ts";
import { alertDelivery } from "./alert.ts";
import {
  type Deliveries,
  exchangeWith,
  type Rendered,
  ServerUnavailableError,
  SkippedEffect,
} from "./delivery.ts";
import { pushDelivery } from "./push.ts";

/** Nobody else claims an effect for this long. Its delivery is aborted before that. */
const LEASE_MS = 60_000;
const DELIVERY_MS_MAX = 45_000;

/** Between attempts; between the tries of one attempt see EffectsConfig. */
const BACKOFF = { baseMs: 4_000, factor: 2, maxMs: 3_600_000 };

/** An attempt at an effect ended, and left it in that status; null where it was no longer its. */
export const effectAttempted = new Observation<{
  readonly kind: string;
  readonly status: EffectStatus | null;
}>();

export type DeliverDeps = {
  readonly db: Database;
  readonly config: EffectsConfig;
  /** Of the kinds beside `push` and `alert`, which are the queue's own. */
  readonly deliveries: Deliveries;
  /** Shared by all deliveries of a process. */
  readonly breaker: CircuitBreaker;
  readonly logger: Logger;
  readonly signal: AbortSignal;
};

/**
 * Deliver an effect, and record how that ended. Resolves to its status; null where there was
 * nothing to do, because it ended before or somebody delivers it right now. Throws only what
 * the database throws.
 */
export async function deliverEffect(
  effectId: string,
  deps: DeliverDeps,
): Promise<EffectStatus | null> {
  const { db, logger } = deps;
  const effect = await claimEffect(db, effectId, { leaseMs: LEASE_MS });
  if (effect === null) {
    return null;
  }
  failpoint("effect.claimed");
  const options = {
    kind: SpanKind.PRODUCER,
    parent: spanOf(effect.traceparent),
    attributes: { "triaged.effect_id": effectId, "triaged.attempt": effect.attempts },
  };
  const { end, status } = await inSpan(`effect ${effect.kind}`, options, async (span) => {
    const ended = await endOf(effect, deps);
    failpoint("effect.sent");
    span?.setAttribute("triaged.outcome", ended.status);
    return { end: ended, status: await settleEffect(db, effect, ended) };
  });
  effectAttempted.tell({ kind: effect.kind, status });
  const line = { effectId, taskId: effect.taskId, kind: effect.kind, attempt: effect.attempts };
  const level = end.status === "delivered" || end.status === "skipped" ? "info" : "warn";
  logger[level]({ ...line, status, reason: end.error }, "effect settled");
  return status;
}

async function endOf(effect: ClaimedEffect, deps: DeliverDeps): Promise<EffectEnd> {
  try {
    return await attemptDelivery(effect, deps);
  } catch (err) {
    if (err instanceof SkippedEffect) {
      return { status: "skipped", error: err.message };
    }
    if (err instanceof PermanentError) {
      return { status: "failed", error: err.message };
    }
    // A host that asks for a minute each time must not use all attempts up in some minutes.
    const askedMs = (err instanceof RetryableError ? err.retryAfterMs : undefined) ?? 0;
    return {
      status: "pending",
      error: err instanceof Error ? err.message : String(err),
      delayMs: Math.max(askedMs, BACKOFF.baseMs + backoffMs(effect.attempts, BACKOFF)),
    };
  }
}

async function attemptDelivery(effect: ClaimedEffect, deps: DeliverDeps): Promise<EffectEnd> {
  const { config, db, breaker } = deps;
  const delivery = { ...deps.deliveries, push: pushDelivery, alert: alertDelivery }[effect.kind];
  if (delivery === undefined) {
    throw new PermanentError(`effects of kind ${effect.kind} are not delivered here`);
  }
  if (config.mode === "dry_run") {
    const { to } = delivery.render(effect, config);
    throw new SkippedEffect(`EFFECTS_MODE is dry_run; it would go to ${to}`);
  }
  if (config.mode === "file") {
    const rendered = delivery.render(effect, config);
    return {
      status: "delivered",
      externalRef: await writeEffect(config.folder, effect, rendered),
    };
  }
  const signal = AbortSignal.any([deps.signal, AbortSignal.timeout(DELIVERY_MS_MAX)]);
  const exchange = exchangeWith({ breaker, signal });
  const externalRef = await pRetry(
    async (number) =>
      await delivery.deliver(effect, {
        config,
        exchange,
        isFirstTry: effect.attempts === 1 && number === 1,
        pushConfig: (id) => readPushConfig(db, id),
      }),
    {
      retries: config.push.tries - 1,
      minTimeout: config.push.retryBaseMs,
      factor: 2,
      signal,
      shouldRetry: ({ error }) => error instanceof ServerUnavailableError,
    },
  );
  return { status: "delivered", externalRef };
}

/**
 * Write down what would be sent, in place of sending it: a JSON file, and beside it the text
 * for people where there is one. The same effect has the same name, so a second try replaces
 * the first. Resolves with the file for people, else with the other one.
 */
async function writeEffect(
  folder: string,
  effect: ClaimedEffect,
  { to, body, text }: Rendered,
): Promise<string> {
  await mkdir(folder, { recursive: true });
  const base = path.join(folder, `${effect.effectId}-${effect.kind}`);
  const { effectId, taskId, kind, key } = effect;
  const described = { effect_id: Number(effectId), task_id: Number(taskId), kind, key, to, body };
  await replaceFile(`${base}.json`, `${JSON.stringify(described, null, 2)}\n`);
  if (text === undefined) {
    return `${base}.json`;
  }
  await replaceFile(`${base}.md`, text);
  return `${base}.md`;
}

/** Whoever reads sees the whole file or none. */
async function replaceFile(file: string, text: string): Promise<void> {
  const partial = `${file}.${process.pid}.tmp`;
  await writeFile(partial, text);
  await rename(partial, file);
}

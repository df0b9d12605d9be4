import pRetry from "p-retry";
import type { Logger } from "pino";
import { backoffMs } from "../backoff.ts";
import type { Breaker } from "../breaker.ts";
import type { EffectKind, EffectStatus } from "../effect.ts";
import type { EffectsConfig } from "../effects-config.ts";
import { failpoint } from "../failpoint.ts";
import { PermanentError, RetryableError } from "../outcome.ts";
import type { Database } from "../postgres/database.ts";
import {
  type ClaimedEffect,
  claimEffect,
  type EffectEnd,
  settleEffect,
} from "../postgres/effect-store.ts";
import { readPushConfig } from "../postgres/push-config-store.ts";
import { contextSink } from "./context-sink.ts";
import { type Delivery, Skipped } from "./delivery.ts";
import { exchangeWith, ServerTrouble } from "./exchange.ts";
import { githubIssue } from "./github-issue.ts";
import { push } from "./push.ts";
import { writeEffect } from "./to-file.ts";
import { webhook } from "./webhook.ts";

/** Nobody else delivers an effect for so long; what holds it is told to stop before. */
const LEASE_MS = 60_000;
const DELIVERY_MS_MAX = 45_000;

/** Between attempts; between the tries of one attempt see EffectsConfig. */
const BACKOFF = { baseMs: 4_000, factor: 2, maxMs: 3_600_000 };

const DELIVERIES: Readonly<Record<Exclude<EffectKind, "digest">, Delivery>> = {
  github_issue: githubIssue,
  webhook,
  push,
  context_sink: contextSink,
};

export type DeliverDeps = {
  readonly db: Database;
  readonly config: EffectsConfig;
  /** Shared by all deliveries of a process. */
  readonly breaker: Breaker;
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
  const end = await endOf(effect, deps);
  failpoint("effect.sent");
  const status = await settleEffect(db, effect, end);
  const line = { effectId, taskId: effect.taskId, kind: effect.kind, attempt: effect.attempts };
  const level = end.status === "delivered" || end.status === "skipped" ? "info" : "warn";
  logger[level]({ ...line, status, reason: end.error }, "effect settled");
  return status;
}

async function endOf(effect: ClaimedEffect, deps: DeliverDeps): Promise<EffectEnd> {
  try {
    return await attempt(effect, deps);
  } catch (err) {
    if (err instanceof Skipped) {
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

async function attempt(effect: ClaimedEffect, deps: DeliverDeps): Promise<EffectEnd> {
  const { config, db, breaker } = deps;
  if (effect.kind === "digest") {
    throw new PermanentError("a digest is gathered, not delivered");
  }
  const delivery = DELIVERIES[effect.kind];
  if (config.mode === "dry_run") {
    const { to } = delivery.render(effect, config);
    throw new Skipped(`EFFECTS_MODE is dry_run; it would go to ${to}`);
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
      shouldRetry: ({ error }) => error instanceof ServerTrouble,
    },
  );
  return { status: "delivered", externalRef };
}

import type { Logger } from "pino";
import { every } from "../system/waiting.ts";

/** How often the database is asked, and how long it has to answer, in milliseconds. */
const EVERY_MS = 5_000;
const ANSWER_MS_MAX = 1_000;
/** So many questions without an answer, one after the other, and it is down. */
const FAILURES_MAX = 3;

export type HealthState = "healthy" | "degraded" | "down";

/**
 * Whether the database answers, asked all the time and told at once: `degraded` after a question
 * that it did not answer, `down` after three. Each change of state is a line in the log.
 */
export class DatabaseHealth {
  readonly #ask: () => Promise<unknown>;
  readonly #logger: Logger;
  readonly #everyMs: number;
  #failures = 0;

  /** `ask` puts the smallest question there is, on a connection that no request waits for. */
  constructor(options: {
    readonly ask: () => Promise<unknown>;
    readonly logger: Logger;
    readonly everyMs?: number;
  }) {
    this.#ask = options.ask;
    this.#logger = options.logger;
    this.#everyMs = options.everyMs ?? EVERY_MS;
  }

  get state(): HealthState {
    if (this.#failures === 0) {
      return "healthy";
    }
    return this.#failures < FAILURES_MAX ? "degraded" : "down";
  }

  /** Ask until the signal aborts. Never rejects. */
  async watch(signal: AbortSignal): Promise<void> {
    await every(this.#everyMs, signal, () => this.check());
  }

  /** Ask once. Never rejects. */
  async check(): Promise<void> {
    const before = this.state;
    try {
      await answeredWithin(ANSWER_MS_MAX, this.#ask());
      this.#failures = 0;
    } catch (err) {
      this.#failures += 1;
      this.#logger.debug({ err, failures: this.#failures }, "the database did not answer");
    }
    const { state } = this;
    if (state === "healthy" && before !== state) {
      this.#logger.info({ state, before }, "the database answers again");
    } else if (before !== state) {
      this.#logger.warn({ state, before }, "the database does not answer as it should");
    }
  }
}

/** What `work` comes to; an error where it takes longer. */
export async function answeredWithin<Answer>(ms: number, work: Promise<Answer>): Promise<Answer> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`no answer within ${ms} ms`)), ms);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Whether the database answers, as the gateway and each worker ask it all the time. */
import type { Logger } from "pino";
import { Observation } from "../system/observation.ts";
import { every } from "../system/waiting.ts";

/** How often the database is asked, and how long it has to answer, in milliseconds. */
const EVERY_MS = 5_000;
const ANSWER_MS_MAX = 1_000;
/** The same while it is down: whoever waits for it goes on at once. */
const EVERY_MS_DOWN = 1_000;
/** So many questions without an answer, one after the other, and it is down. */
const FAILURES_MAX = 3;
/** A timer that fires later than this was held up by the event loop, and so was the answer. */
const LATE_MS = 100;

export const HEALTH_STATES = ["healthy", "degraded", "down"] as const;
export type HealthState = (typeof HEALTH_STATES)[number];

/** Told after each question. */
export const healthAsked = new Observation<HealthState>();

/**
 * Whether the database answers, asked all the time and told at once: `degraded` after a question
 * that it did not answer, `down` after three. Each change of state is a line in the log.
 */
export class DatabaseHealth {
  readonly #ask: () => Promise<unknown>;
  readonly #logger: Logger;
  readonly #everyMs: number;
  #failures = 0;
  /** The question that is under way: there is one at a time, however long it takes. */
  #asked: Promise<unknown> | null = null;
  /** Resolves when the database is down no more; null while it is not down. */
  #up: PromiseWithResolvers<void> | null = null;

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
    const pauseMs = () =>
      this.state === "down" ? Math.min(EVERY_MS_DOWN, this.#everyMs) : this.#everyMs;
    await every(pauseMs, signal, () => this.check());
  }

  /** Resolves at once unless the database is down, else when it answers. */
  async untilUp(): Promise<void> {
    await this.#up?.promise;
  }

  /** Ask once. Never rejects. */
  async check(): Promise<void> {
    const before = this.state;
    try {
      this.#asked ??= this.#ask().finally(() => {
        this.#asked = null;
      });
      await answeredWithin(ANSWER_MS_MAX, this.#asked);
      this.#failures = 0;
    } catch (err) {
      this.#failures += 1;
      this.#logger.debug({ err, failures: this.#failures }, "the database did not answer");
    }
    const { state } = this;
    if (state === "down") {
      this.#up ??= Promise.withResolvers();
    } else {
      this.#up?.resolve();
      this.#up = null;
    }
    if (state === "healthy" && before !== state) {
      this.#logger.info({ state, before }, "the database answers again");
    } else if (before !== state) {
      this.#logger.warn({ state, before }, "the database does not answer as it should");
    }
    healthAsked.tell(state);
  }
}

/**
 * What `work` comes to; an error where it takes longer. An event loop that was blocked has heard
 * no answer, and says nothing about whoever was to give one: the time begins anew.
 */
export async function answeredWithin<Answer>(ms: number, work: Promise<Answer>): Promise<Answer> {
  const late = Promise.withResolvers<never>();
  let timer: NodeJS.Timeout | undefined;
  const start = () => {
    const dueMs = performance.now() + ms;
    timer = setTimeout(() => {
      if (performance.now() > dueMs + LATE_MS) {
        start();
      } else {
        late.reject(new Error(`no answer within ${ms} ms`));
      }
    }, ms);
  };
  start();
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

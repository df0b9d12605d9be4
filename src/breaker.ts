import type { BreakerConfig } from "./effects-config.ts";

type Host = { failedAt: number[]; openUntil: number };

/** Hosts remembered at a time; beyond that the one that failed first is forgotten. */
const HOSTS_MAX = 1_000;

/**
 * Leaves a host alone after too many failures within a window. Once the pause is over calls
 * go through again, and what failed before the pause is forgotten.
 */
export class Breaker {
  readonly #config: BreakerConfig;
  readonly #now: () => number;
  readonly #hosts = new Map<string, Host>();

  constructor(config: BreakerConfig, now: () => number = () => performance.now()) {
    this.#config = config;
    this.#now = now;
  }

  /** Milliseconds until the host may be called again; 0: now. */
  pauseOf(host: string): number {
    return Math.max(0, (this.#hosts.get(host)?.openUntil ?? 0) - this.#now());
  }

  /** A call that the host did not answer, or answered with an error of its own. */
  failed(host: string): void {
    const { failuresMax, windowMs, pauseMs } = this.#config;
    const now = this.#now();
    const known = this.#hosts.get(host) ?? { failedAt: [], openUntil: 0 };
    known.failedAt = [...known.failedAt.filter((at) => at > now - windowMs), now];
    if (known.failedAt.length >= failuresMax) {
      known.failedAt = [];
      known.openUntil = now + pauseMs;
    }
    this.#hosts.set(host, known);
    const [oldest] = this.#hosts.keys();
    if (this.#hosts.size > HOSTS_MAX && oldest !== undefined) {
      this.#hosts.delete(oldest);
    }
  }

  succeeded(host: string): void {
    this.#hosts.delete(host);
  }
}

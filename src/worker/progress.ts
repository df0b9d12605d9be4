import { clearTimeout, setTimeout } from "node:timers";
import { storable } from "./error-text.ts";

/** An attempt reports at most once in so long; the newest report counts. */
const INTERVAL_MS = 250;

/** Characters of a step; sql/functions/settle/held-tasks.sql cuts there too. */
const STEP_MAX = 200;

export type Progress = { readonly percent: number; readonly step: string | null };

/** Thins out what a handler reports. `send` must not throw. */
export class ProgressReporter {
  readonly #send: (progress: Progress) => void;
  #newest: Progress | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(send: (progress: Progress) => void) {
    this.#send = send;
  }

  /** Throws a RangeError for a percentage that is not an integer from 0 to 100. */
  report(percent: number, step?: string): void {
    if (!(Number.isInteger(percent) && percent >= 0 && percent <= 100)) {
      throw new RangeError(`expected percent to be an integer from 0 to 100, got ${percent}`);
    }
    this.#newest = { percent, step: step === undefined ? null : stepText(step) };
    if (this.#timer === null) {
      this.#sendNewest();
      this.#timer = setTimeout(() => {
        this.#timer = null;
        this.#sendNewest();
      }, INTERVAL_MS);
    }
  }

  /** The attempt ended: what was not sent is not worth sending. */
  close(): void {
    if (this.#timer !== null) {
      clearTimeout(this.#timer);
    }
    this.#newest = null;
  }

  #sendNewest(): void {
    if (this.#newest !== null) {
      this.#send(this.#newest);
      this.#newest = null;
    }
  }
}

/** Whoever writes in JavaScript may give anything. */
function stepText(step: unknown): string {
  return storable(String(step).slice(0, STEP_MAX));
}

/**
 * How often notifications have a worker look for something. Anybody who may connect can notify,
 * as often as he likes and whatever he likes. So however many come, there is at most one look that
 * is asked for and not begun, and looks that find nothing are made at a limited rate, beyond some
 * that may come in a row.
 */
export class Looks {
  readonly #look: () => void;
  readonly #inARow: number;
  readonly #everyMs: number;
  #left: number;
  #refilledAt = performance.now();
  #isAsked = false;
  #timer: NodeJS.Timeout | undefined;
  #inVain = 0;
  #sinceFound = 0;

  constructor(look: () => void, { inARow, perSecond }: { inARow: number; perSecond: number }) {
    this.#look = look;
    this.#inARow = inARow;
    this.#left = inARow;
    this.#everyMs = 1_000 / perSecond;
  }

  /** Notifications without anything to find, but for some in a row. */
  get inVain(): number {
    return this.#inVain;
  }

  /** Somebody notified: look now, or as soon as that may be. */
  ask(): void {
    this.#sinceFound += 1;
    if (this.#sinceFound > this.#inARow) {
      this.#inVain += 1;
    }
    if (this.#isAsked) {
      return;
    }
    this.#isAsked = true;
    const waitMs = this.#waitMs();
    if (waitMs === 0) {
      this.#look();
    } else {
      this.#timer = setTimeout(() => {
        this.#timer = undefined;
        this.#look();
      }, waitMs);
    }
  }

  /** A look begins, whoever wanted it: what is notified from now on asks for another one. */
  begin(): void {
    if (this.#isAsked) {
      this.#isAsked = false;
      this.#refill();
      this.#left = Math.max(0, this.#left - 1);
      this.#stopWaiting();
    }
  }

  /** It found something: the next ones are worth it. */
  found(): void {
    this.#left = this.#inARow;
    this.#sinceFound = 0;
  }

  close(): void {
    this.#isAsked = true;
    this.#stopWaiting();
  }

  #waitMs(): number {
    this.#refill();
    return this.#left >= 1 ? 0 : (1 - this.#left) * this.#everyMs;
  }

  #refill(): void {
    const now = performance.now();
    this.#left = Math.min(this.#inARow, this.#left + (now - this.#refilledAt) / this.#everyMs);
    this.#refilledAt = now;
  }

  #stopWaiting(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

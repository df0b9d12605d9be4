/** Something that happens again and again, and that one loop waits for. */
export class Flag {
  #raised = false;
  #wake: (() => void) | null = null;

  /** It happened. Ends the newest wait, and is remembered for the next where there is none. */
  raise(): void {
    if (this.#wake === null) {
      this.#raised = true;
    } else {
      this.#wake();
    }
  }

  /** Forget that it happened. */
  lower(): void {
    this.#raised = false;
  }

  /**
   * Resolves when it has happened since the last `wait`, or after `ms`. If it happens while
   * this waits, `onRaise` is called at once, before whoever raised it goes on.
   */
  async wait(ms?: number, onRaise?: () => void): Promise<void> {
    if (this.#raised) {
      this.#raised = false;
      return;
    }
    await new Promise<void>((resolve) => {
      const wake = () => {
        this.#wake = null;
        try {
          onRaise?.();
        } finally {
          end();
        }
      };
      const end = () => {
        // An earlier wait that was given up leaves the one of a later one alone.
        if (this.#wake === wake) this.#wake = null;
        clearTimeout(timer);
        resolve();
      };
      const timer = ms === undefined ? undefined : setTimeout(end, ms);
      this.#wake = wake;
    });
  }
}

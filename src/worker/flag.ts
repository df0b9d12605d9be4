/** Something that happens again and again, and that one loop waits for. */
export class Flag {
  #raised = false;
  #wake: (() => void) | null = null;

  /** It happened. Remembered until the next `wait`. */
  raise(): void {
    this.#raised = true;
    this.#wake?.();
  }

  /** Forget that it happened. */
  lower(): void {
    this.#raised = false;
  }

  /** Resolves when it has happened since the last `wait`, or after `ms`. */
  async wait(ms?: number): Promise<void> {
    if (!this.#raised) {
      await new Promise<void>((resolve) => {
        const timer = ms === undefined ? undefined : setTimeout(resolve, ms);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#wake = null;
    this.#raised = false;
  }
}

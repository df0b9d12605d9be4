/** The doctor for pages: one examination for all that look, now and then, and never awaited. */
import type { DoctorFinding } from "../doctor/probe.ts";

/** While a page that shows findings is open, the doctor looks so often. */
export const EXAMINE_EVERY_MS = 300_000;
/** It looks so long after it looked last at the earliest, also where somebody asks for it. */
export const EXAMINE_APART_MS = 10_000;

/** What is known by now. */
export type DoctorState = {
  /** Of the last examination that came to an end; null before the first. */
  readonly last: { readonly findings: readonly DoctorFinding[]; readonly at: Date } | null;
  readonly isLooking: boolean;
  /** Whether it was tried later than `last`, and the database did not answer. */
  readonly hasFailed: boolean;
};

/**
 * One for a process: however many pages are open, one examination runs at a time, and one in five
 * minutes, which is some thirty short queries. Pages show the last one and do not wait.
 */
export class DoctorRounds {
  readonly #examine: () => Promise<readonly DoctorFinding[]>;
  readonly #onFindings: () => void;
  readonly #now: () => number;
  #last: DoctorState["last"] = null;
  #triedAt = Number.NEGATIVE_INFINITY;
  #looking: Promise<void> | null = null;
  #hasFailed = false;

  constructor(options: {
    readonly examine: () => Promise<readonly DoctorFinding[]>;
    /** Called when there are findings that pages do not show yet. */
    readonly onFindings: () => void;
    /** Milliseconds since 1970. */
    readonly now?: () => number;
  }) {
    this.#examine = options.examine;
    this.#onFindings = options.onFindings;
    this.#now = options.now ?? Date.now;
  }

  /** What is known; where that is old, an examination begins, of which the next page shows more. */
  state(): DoctorState {
    this.#beginAfter(this.#hasFailed ? EXAMINE_APART_MS : EXAMINE_EVERY_MS);
    return { last: this.#last, isLooking: this.#looking !== null, hasFailed: this.#hasFailed };
  }

  /** Look again now. False where it has looked within the last 10 s, or does at present. */
  lookAgain(): boolean {
    return this.#beginAfter(EXAMINE_APART_MS);
  }

  /** Resolves when no examination runs. Never rejects. */
  async settled(): Promise<void> {
    await this.#looking;
  }

  #beginAfter(ms: number): boolean {
    const now = this.#now();
    if (this.#looking !== null || now - this.#triedAt < ms) {
      return false;
    }
    this.#triedAt = now;
    this.#looking = this.#look();
    return true;
  }

  async #look(): Promise<void> {
    try {
      const findings = await this.#examine();
      this.#last = { findings, at: new Date(this.#now()) };
      this.#hasFailed = false;
      this.#onFindings();
    } catch {
      // The page itself says that the database does not answer; the findings of before stay.
      this.#hasFailed = true;
    } finally {
      this.#looking = null;
    }
  }
}

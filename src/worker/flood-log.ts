import type { Logger } from "pino";
import type { Looks } from "./looks.ts";

const EVERY_MS = 60_000;
/** More in a minute are told of. Of several workers that the bell wakes, one finds the task. */
const IN_VAIN_MAX = 10_000;

/** Says once a minute that notifications come in a flood, with how many. */
export class FloodLog {
  readonly #logger: Logger;
  readonly #watched = new Set<Pick<Looks, "inVain">>();
  readonly #timer: NodeJS.Timeout;
  #toldOf = 0;

  constructor(logger: Logger, { everyMs = EVERY_MS }: { everyMs?: number } = {}) {
    this.#logger = logger;
    this.#timer = setInterval(() => this.tell(), everyMs).unref();
  }

  /** Count what these are asked in vain, to the end. */
  watch(looks: Pick<Looks, "inVain">): void {
    this.#watched.add(looks);
  }

  tell(): void {
    const inVain = [...this.#watched].reduce((sum, looks) => sum + looks.inVain, 0);
    const notifications = inVain - this.#toldOf;
    this.#toldOf = inVain;
    if (notifications > IN_VAIN_MAX) {
      this.#logger.warn(
        {
          notifications,
          hint: "who sends them? pg_stat_activity has the last statement of each session",
        },
        "a flood of notifications: nothing was there to be found",
      );
    }
  }

  /** The last word, and no other. */
  close(): void {
    clearInterval(this.#timer);
    this.tell();
  }
}

const BLOCK_MS = 900_000;
const BLOCKS_MAX = 1_000;

/** What clocks show in a place, as the time zone database of Node knows it. */
export class TimeZone {
  readonly name: string;
  readonly #format: Intl.DateTimeFormat;
  /** Offsets by quarters of an hour, in which no clock on earth is changed. */
  readonly #offsets = new Map<number, number>();

  /** Throws a RangeError for a name that is unknown. */
  constructor(name: string) {
    this.name = name;
    this.#format = new Intl.DateTimeFormat("en-US", {
      timeZone: name,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
    });
  }

  /** How far clocks are ahead of UTC at an instant, both in milliseconds. */
  offsetMs(at: number): number {
    const block = Math.floor(at / BLOCK_MS);
    const known = this.#offsets.get(block);
    if (known !== undefined) {
      return known;
    }
    if (this.#offsets.size >= BLOCKS_MAX) {
      this.#offsets.clear();
    }
    const offset = this.#offsetOf(block * BLOCK_MS);
    this.#offsets.set(block, offset);
    return offset;
  }

  #offsetOf(at: number): number {
    const parts = new Map(
      this.#format.formatToParts(at).map(({ type, value }) => [type, Number(value)]),
    );
    const part = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? 0;
    const shown = Date.UTC(
      part("year"),
      part("month") - 1,
      part("day"),
      part("hour"),
      part("minute"),
    );
    return shown - at;
  }
}

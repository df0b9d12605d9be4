import PQueue, { type Options } from "p-queue";

export class Uploads {
  readonly #queue: PQueue;

  constructor(options: { concurrency: number; timeout?: number }) {
    this.#queue = new PQueue(options);
    this.#queue.on("idle", () => console.log("nothing left to upload"));
  }

  add(work: () => Promise<void>, priority = 0): Promise<void> {
    return this.#queue.add(work, { priority }) as Promise<void>;
  }

  get waiting(): number {
    return this.#queue.size + this.#queue.pending;
  }
}

export type QueueOptions = Options<never, never>;

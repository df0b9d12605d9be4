/** How many streams there are: a place for each, until its response is over. */
import type { FastifyReply } from "fastify";
import type { StreamLimits } from "../gateway.ts";
import type { Caller } from "../keys.ts";
import { RETRY_AFTER_SECONDS, Refusal } from "../refusal.ts";

export class OpenStreams {
  readonly #limits: Pick<StreamLimits, "streams" | "streamsPerKey">;
  readonly #ofKeys = new Map<string, number>();
  #count = 0;

  constructor(limits: Pick<StreamLimits, "streams" | "streamsPerKey">) {
    this.#limits = limits;
  }

  get count(): number {
    return this.#count;
  }

  /** Take a place until the response is over. Throws a Refusal where there is none. */
  take({ name }: Caller, reply: FastifyReply): void {
    const ofKey = this.#ofKeys.get(name) ?? 0;
    const { streams, streamsPerKey } = this.#limits;
    if (ofKey >= streamsPerKey) {
      throw new Refusal(429, "too_many_streams", `This key has ${ofKey} streams open.`, {
        hint: "end some of them; one of a queue tells of all its tasks",
        retryAfter: RETRY_AFTER_SECONDS,
      });
    }
    if (this.#count >= streams) {
      throw new Refusal(503, "overloaded", "The gateway has as many streams as it takes.", {
        hint: "another gateway beside this one takes more",
        retryAfter: RETRY_AFTER_SECONDS,
      });
    }
    this.#count += 1;
    this.#ofKeys.set(name, ofKey + 1);
    reply.raw.once("close", () => {
      this.#count -= 1;
      const left = (this.#ofKeys.get(name) ?? 1) - 1;
      if (left === 0) {
        this.#ofKeys.delete(name);
      } else {
        this.#ofKeys.set(name, left);
      }
    });
  }
}

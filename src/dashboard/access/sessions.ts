/**
 * Sessions: what a browser has in place of a key. Signed texts, so that none of them is kept
 * here.
 */
import { createHmac, randomBytes, randomUUID } from "node:crypto";
import fastifyCookie from "@fastify/cookie";
import { LRUCache } from "lru-cache";
import { z } from "zod";
import type { Caller, KeyRing } from "../../gateway/keys.ts";

/** A session that is used gets a new text so often; the text before it is good for a while. */
export const ROTATE_MS = 900_000;
/** For so long each text is good: whoever is away for longer signs in again. */
export const IDLE_MS = 7_200_000;
/** For so long a session lives, however much it is used. */
export const SESSION_MS = 43_200_000;
/** Sessions that were ended here, and whose texts would still be good. */
const ENDED_MAX = 100_000;

const Claims = z.strictObject({
  /** Of the session: the same in all its texts. */
  id: z.string(),
  /** Of the key. */
  name: z.string(),
  /** Whether it is still the key that it was. */
  mark: z.string(),
  /** When the session began, and when this text was written: milliseconds since 1970. */
  begunAt: z.number(),
  writtenAt: z.number(),
});
type Claims = z.output<typeof Claims>;

export type ReaderSession = {
  readonly caller: Caller;
  readonly id: string;
  /** The text that the browser should have from now on; null: the one that it has. */
  readonly renewed: string | null;
};

export class Sessions {
  readonly #keys: Pick<KeyRing, "named">;
  readonly #secret: string;
  readonly #now: () => number;
  readonly #ended = new LRUCache<string, true>({ max: ENDED_MAX, ttl: IDLE_MS });

  /** `secret` null: one that this process alone knows. */
  constructor(options: {
    readonly keys: Pick<KeyRing, "named">;
    readonly secret: string | null;
    /** Milliseconds since 1970. */
    readonly now?: () => number;
  }) {
    this.#keys = options.keys;
    this.#secret = options.secret ?? randomBytes(32).toString("base64");
    this.#now = options.now ?? Date.now;
  }

  /** The text of a new session for whoever showed a key; null where the key is gone meanwhile. */
  begin({ name }: Caller): string | null {
    const mark = this.#markOf(name);
    const now = this.#now();
    return mark === null
      ? null
      : this.#sign({ id: randomUUID(), name, mark, begunAt: now, writtenAt: now });
  }

  /** Whose session a text is; null for one that is not, is over, or whose key was changed. */
  read(text: string): ReaderSession | null {
    const claims = this.#claimsIn(text);
    const known = claims === null ? null : this.#keys.named(claims.name);
    if (claims === null || known === null || claims.mark !== this.#markOf(claims.name)) {
      return null;
    }
    const now = this.#now();
    const isOver =
      now - claims.writtenAt > IDLE_MS ||
      now - claims.begunAt > SESSION_MS ||
      this.#ended.has(claims.id);
    if (isOver) {
      return null;
    }
    const isOld = now - claims.writtenAt > ROTATE_MS;
    return {
      caller: known.caller,
      id: claims.id,
      renewed: isOld ? this.#sign({ ...claims, writtenAt: now }) : null,
    };
  }

  /** End a session, with all its texts. Other processes of the same secret do not hear of it. */
  end({ id }: ReaderSession): void {
    this.#ended.set(id, true);
  }

  #claimsIn(text: string): Claims | null {
    const { valid, value } = fastifyCookie.unsign(text, this.#secret);
    if (!valid || value === null) {
      return null;
    }
    return Claims.parse(JSON.parse(Buffer.from(value, "base64url").toString("utf8")));
  }

  #sign(claims: Claims): string {
    const value = Buffer.from(JSON.stringify(claims)).toString("base64url");
    return fastifyCookie.sign(value, this.#secret);
  }

  /** Tells a key from the next one of the same name, and says nothing about it. */
  #markOf(name: string): string | null {
    const known = this.#keys.named(name);
    return known === null
      ? null
      : createHmac("sha256", this.#secret).update(known.keyHash).digest("base64url");
  }
}

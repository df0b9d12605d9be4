/** API keys: who has which, and what each may do. Of a key only its hash is kept. */
import { hash, randomBytes, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { z } from "zod";
import type { KnownKey } from "../model/audit.ts";
import { EnvironmentError, EXIT_CODES } from "../model/errors.ts";
import type { OperationDoor } from "../model/operation.ts";
import type { GatewayConfig } from "../settings/gateway.ts";
import { KEY_ROLE_NAMES } from "../settings/variables.ts";

/** What a key may do; each may do what those before it may. */
export const KEY_ROLES = KEY_ROLE_NAMES;
export type KeyRole = (typeof KEY_ROLES)[number];

/** Whether a role may do what is for another one. */
export function mayDo(role: KeyRole, needed: KeyRole): boolean {
  return KEY_ROLES.indexOf(role) >= KEY_ROLES.indexOf(needed);
}

/** Who sends a request. */
export type Caller = {
  /** What history calls the actor. */
  readonly name: string;
  readonly role: KeyRole;
  /** Null: as all others. */
  readonly requestsPerMinute: number | null;
  /** Through which door the request came. @default "rest" */
  readonly door?: OperationDoor;
  /** Why it does what it does, for the operation that it is. */
  readonly reason?: string | undefined;
};

type Key = Caller & {
  readonly hash: Buffer;
  /** Whether `triaged key` made it of random bytes, whose hash tells nothing of them. */
  readonly isRandom?: boolean;
};

/** First words of names that history keeps for the queue itself: check_actor in sql/functions. */
const RESERVED = ["worker", "schedule", "jobs", "triaged"];

export const KeyName = z
  .string()
  .regex(/^[A-Za-z0-9][\w.@-]{0,99}$/, {
    error: "expected 1 to 100 letters, digits, and . _ @ - behind the first",
  })
  .refine((name) => !RESERVED.includes(name.toLowerCase().replaceAll(/[^a-z0-9]/g, "")), {
    error: `expected a name other than ${RESERVED.join(", ")}, which history keeps for the queue`,
  });

/** A row of API_KEYS_FILE. */
const KeyRow = z.strictObject({
  name: KeyName,
  role: z.enum(KEY_ROLES),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, { error: "expected 64 hexadecimal digits" }),
  requests_per_minute: z.int().min(1).max(10_000_000).optional(),
});
export type KeyRow = z.input<typeof KeyRow>;

const KEYS_MAX = 10_000;
/** Bits of a key that `newKey` makes: none is guessed, so a hash without salt is enough. */
const KEY_BYTES = 32;
/** Of a hash, in the audit log. */
const MARK_LETTERS = 8;

/** A key that nobody has yet, for whoever shall have it, and its row. */
export function newKey(
  name: string,
  role: KeyRole,
): { readonly key: string; readonly row: KeyRow } {
  const key = `trk_${randomBytes(KEY_BYTES).toString("base64url")}`;
  return { key, row: { name, role, sha256: hash("sha256", key) } };
}

/** The keys of a gateway. */
export class KeyRing {
  readonly #keys: readonly Key[];

  constructor(keys: readonly Key[]) {
    this.#keys = keys;
  }

  get size(): number {
    return this.#keys.length;
  }

  /** Whose key it is, or null. Takes as long for each key that is asked for, known or not. */
  callerOf(key: string): Caller | null {
    const given = sha256(key);
    let found: Key | null = null;
    for (const known of this.#keys) {
      if (timingSafeEqual(known.hash, given)) {
        found = known;
      }
    }
    return found;
  }

  /** What the audit log compares between two starts. */
  get known(): readonly KnownKey[] {
    return this.#keys.map(({ name, role, requestsPerMinute, hash: keyHash, isRandom = false }) => ({
      name,
      role,
      requests_per_minute: requestsPerMinute,
      mark: isRandom ? keyHash.toString("hex").slice(0, MARK_LETTERS) : null,
    }));
  }

  /** Who has the name now, with the hash of its key; null for a name that is gone. */
  named(name: string): { readonly caller: Caller; readonly keyHash: Buffer } | null {
    const known = this.#keys.find((key) => key.name === name);
    return known === undefined ? null : { caller: known, keyHash: known.hash };
  }
}

/** Whom a gateway lets in. */
export type Access = {
  /** Who sends a request without a key, where none is asked for. @default `http`, an admin */
  readonly anybody?: Caller;
  readonly keys: KeyRing;
  /** Whether a request without a key is refused. */
  readonly required: boolean;
  /** Origins of pages that a browser lets ask; `*`: all of them, where they have a key. */
  readonly origins: readonly string[];
};

/** The keys of ORCHESTRATOR_API_KEY and API_KEYS_FILE. Throws an EnvironmentError (78). */
export function readKeys({
  apiKey,
  keysFile,
}: Pick<GatewayConfig, "apiKey" | "keysFile">): KeyRing {
  const keys: Key[] = [];
  if (apiKey !== null) {
    const owner = { name: "orchestrator", role: "admin", requestsPerMinute: null } as const;
    keys.push({ ...owner, hash: sha256(apiKey) });
  }
  if (keysFile !== null) {
    keys.push(...readFile(keysFile));
  }
  const twice = keys.find(({ name }, place) => keys.findIndex((key) => key.name === name) < place);
  if (twice !== undefined) {
    throw unusable(`API_KEYS_FILE: there are two keys of the name ${twice.name}`);
  }
  return new KeyRing(keys);
}

function readFile(file: string): Key[] {
  const parsed = z.array(KeyRow).min(1).max(KEYS_MAX).safeParse(parseFile(file));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const place = issue === undefined || issue.path.length === 0 ? "" : `${issue.path.join(".")}: `;
    throw unusable(`API_KEYS_FILE: ${file}: ${place}${issue?.message ?? "cannot be used"}`);
  }
  return parsed.data.map(({ name, role, sha256: hex, requests_per_minute: perMinute }) => ({
    name,
    role,
    requestsPerMinute: perMinute ?? null,
    hash: Buffer.from(hex, "hex"),
    isRandom: true,
  }));
}

function parseFile(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (err) {
    // What stands in the file is not quoted: it may be a key by mistake.
    const reason = err instanceof SyntaxError ? "it is not JSON" : String(err);
    throw unusable(`API_KEYS_FILE: ${file} cannot be read: ${reason}`);
  }
}

function unusable(message: string): EnvironmentError {
  return new EnvironmentError(message, {
    hint: 'it is like [{"name": "ci", "role": "enqueue", "sha256": "…"}]; `triaged key` makes a row',
    exitCode: EXIT_CODES.config,
  });
}

function sha256(text: string): Buffer {
  return hash("sha256", text, "buffer");
}

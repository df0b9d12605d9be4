/** What a file says, by a key for each thing: the ground of what a change is told by. */
import { isRecord } from "../../index.ts";

/** Values by where they stand: `services.app.image`. "" where the key says it all. */
export type KeyedValues = ReadonlyMap<string, string>;

/** What a value begins with that is not shown: two that differ are told as changed. */
export const HIDDEN = "\0";

/** Names of what may be a secret, of which no value is shown. */
export function isSecretName(name: string): boolean {
  return /secret|token|passw|credential|api[_-]?key|private[_-]?key|_auth/i.test(name);
}

/** Keys of one document; what has so many may have more. */
export const KEYS_MAX = 5_000;
const DEPTH_MAX = 20;
/** Characters of a name, or of the text of an item, within a key. */
const PART_MAX = 500;

type At = { readonly keys: Map<string, string>; readonly depth: number };

/**
 * Add the values of a document below a key. Items of a list that have a name or an action stand
 * under it, other items for themselves.
 */
export function flatten(value: unknown, key: string, { keys, depth }: At): void {
  if (keys.size >= KEYS_MAX || depth > DEPTH_MAX) return;
  const below = { keys, depth: depth + 1 };
  if (isEmpty(value)) {
    // `permissions: {}` says something: none.
    keys.set(`${key}: ${textOf(value)}`, "");
  } else if (Array.isArray(value)) {
    const seen = new Map<string, number>();
    for (const item of value) {
      const name = nameOf(item)?.slice(0, PART_MAX);
      // Two steps may run the same action.
      const count = (seen.get(name ?? "") ?? 0) + 1;
      if (name !== undefined) seen.set(name, count);
      if (name !== undefined)
        flatten(item, `${key}[${name}${count > 1 ? ` ${count}` : ""}]`, below);
      else if (typeof item === "string" && VARIABLE.test(item)) {
        const equals = item.indexOf("=");
        keys.set(`${key}[${item.slice(0, equals).slice(0, PART_MAX)}]`, item.slice(equals + 1));
      } else keys.set(`${key}[${textOf(item).slice(0, PART_MAX)}]`, "");
    }
  } else if (isRecord(value) && !(value instanceof Date)) {
    for (const [given, inner] of Object.entries(value)) {
      const name = given.slice(0, PART_MAX);
      const isPlain = key !== "" && !name.startsWith("[");
      flatten(inner, isPlain ? `${key}.${name}` : key + name, below);
    }
  } else {
    keys.set(key, textOf(value));
  }
}

/** `NODE_ENV=production`, as in the environment of a compose file. */
const VARIABLE = /^[A-Z][A-Z0-9_]*=/;

function isEmpty(value: unknown): boolean {
  return Array.isArray(value)
    ? value.length === 0
    : isRecord(value) && !(value instanceof Date) && Object.keys(value).length === 0;
}

/** What a step of a workflow or a service of a list is known by. */
function nameOf(item: unknown): string | null {
  if (!isRecord(item)) return null;
  const { uses, name, id } = item;
  const action = typeof uses === "string" ? uses.split("@", 1)[0] : undefined;
  const known = [name, id, action].find((one) => typeof one === "string" && one !== "");
  return typeof known === "string" ? known : null;
}

function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "bigint") return String(value);
  if (value instanceof Date) return value.toISOString();
  return JSON.stringify(value) ?? "";
}

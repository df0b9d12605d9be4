import { parse } from "yaml";
import { isRecord } from "../../json.ts";
import type { KeyedValues } from "./dockerfile-keys.ts";

const KEYS_MAX = 5_000;
const DEPTH_MAX = 20;

/**
 * The values of a JSON or YAML document by where they stand: `services.app.image`. Items of a
 * list that have a name or an action stand under it, other items for themselves. Null: it
 * does not parse.
 */
export function documentKeys(text: string): KeyedValues | null {
  const keys = new Map<string, string>();
  try {
    flatten(parse(text, { logLevel: "error", maxAliasCount: 50 }), "", { keys, depth: 0 });
  } catch {
    return null;
  }
  return keys;
}

type At = { readonly keys: Map<string, string>; readonly depth: number };

function flatten(value: unknown, key: string, { keys, depth }: At): void {
  if (keys.size >= KEYS_MAX || depth > DEPTH_MAX) return;
  const below = { keys, depth: depth + 1 };
  if (Array.isArray(value)) {
    for (const item of value) {
      const name = nameOf(item);
      if (name !== null) flatten(item, `${key}[${name}]`, below);
      else keys.set(`${key}[${textOf(item)}]`, "");
    }
  } else if (isRecord(value)) {
    for (const [name, inner] of Object.entries(value)) {
      flatten(inner, key === "" ? name : `${key}.${name}`, below);
    }
  } else {
    keys.set(key, textOf(value));
  }
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
  return JSON.stringify(value) ?? "";
}

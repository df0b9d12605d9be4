import { isRecord } from "../../json.ts";
import { readDocument } from "../read-document.ts";
import type { KeyedValues } from "./dockerfile-keys.ts";

const KEYS_MAX = 5_000;
const DEPTH_MAX = 20;
/** Characters of a name, or of the text of an item, within a key. */
const PART_MAX = 500;

/**
 * The values of a JSON or YAML document by where they stand: `services.app.image`. Items of a
 * list that have a name or an action stand under it, other items for themselves. Null: it
 * does not parse. Or why it was left out.
 */
export function documentKeys(text: string): KeyedValues | { readonly leftOut: string } | null {
  const document = readDocument(text);
  if (document === null || "leftOut" in document) return document;
  const keys = new Map<string, string>();
  flatten(document.value, "", { keys, depth: 0 });
  return keys;
}

type At = { readonly keys: Map<string, string>; readonly depth: number };

function flatten(value: unknown, key: string, { keys, depth }: At): void {
  if (keys.size >= KEYS_MAX || depth > DEPTH_MAX) return;
  const below = { keys, depth: depth + 1 };
  if (Array.isArray(value)) {
    for (const item of value) {
      const name = nameOf(item);
      if (name !== null) flatten(item, `${key}[${name.slice(0, PART_MAX)}]`, below);
      else keys.set(`${key}[${textOf(item).slice(0, PART_MAX)}]`, "");
    }
  } else if (isRecord(value)) {
    for (const [given, inner] of Object.entries(value)) {
      const name = given.slice(0, PART_MAX);
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

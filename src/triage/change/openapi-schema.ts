import { asList, asObject, type Json, resolved } from "./openapi-document.ts";

/** One property of a body, named by its path: `items[].id`. */
export type Property = { readonly type: string; readonly isRequired: boolean };

const DEPTH_MAX = 6;
const PROPERTIES_MAX = 2_000;

/**
 * The properties of a schema, those of nested objects and of lists included. Parts of
 * `allOf` count as one; of `oneOf` and `anyOf` only that they are there.
 */
export function propertiesOf(root: Json, schema: unknown): Map<string, Property> {
  const found = new Map<string, Property>();
  collect({ root, found }, schema, "", { depth: 0, isRequired: true });
  return found;
}

type Into = { readonly root: Json; readonly found: Map<string, Property> };
type At = { readonly depth: number; readonly isRequired: boolean };

function collect({ root, found }: Into, given: unknown, name: string, at: At): void {
  const schema = resolved(root, given);
  if (schema === null || at.depth > DEPTH_MAX || found.size >= PROPERTIES_MAX) return;
  for (const part of asList(schema["allOf"])) collect({ root, found }, part, name, at);
  if (name !== "" && !found.has(name)) {
    found.set(name, { type: typeOf(schema), isRequired: at.isRequired });
  }
  if (schema["items"] !== undefined) {
    collect({ root, found }, schema["items"], `${name}[]`, { ...at, depth: at.depth + 1 });
  }
  const required = new Set(asList(schema["required"]));
  for (const [key, inner] of Object.entries(asObject(schema["properties"]) ?? {})) {
    const isRequired = at.isRequired && required.has(key);
    const path = name === "" ? key : `${name}.${key}`;
    collect({ root, found }, inner, path, { depth: at.depth + 1, isRequired });
  }
}

function typeOf(schema: Json): string {
  const { type, format } = schema;
  if (Array.isArray(type)) return type.join("|");
  if (typeof type === "string") return typeof format === "string" ? `${type}(${format})` : type;
  return "properties" in schema ? "object" : "any";
}

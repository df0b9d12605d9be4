import { asList, asObject, type Json, type OpenApi, resolved } from "./openapi-document.ts";

/** One property of a body, named by its path: `items[].id`. */
export type Property = { readonly type: string; readonly isRequired: boolean };

const DEPTH_MAX = 6;
const PROPERTIES_MAX = 2_000;

/**
 * The properties of a schema, those of nested objects and of lists included. Parts of
 * `allOf` count as one; of `oneOf` and `anyOf` only that they are there.
 */
export function propertiesOf(document: OpenApi, schema: unknown): Map<string, Property> {
  const found = new Map<string, Property>();
  collect({ document, found, parts: 0 }, schema, "", { depth: 0, isRequired: true });
  return found;
}

/** Parts of parts of `allOf` that are looked at: one may be a part of itself. */
const PARTS_MAX = 20;

type Into = {
  readonly document: OpenApi;
  readonly found: Map<string, Property>;
  readonly parts: number;
};
type At = { readonly depth: number; readonly isRequired: boolean };

function collect(into: Into, given: unknown, name: string, at: At): void {
  const { document, found, parts } = into;
  if (at.depth > DEPTH_MAX || parts > PARTS_MAX || found.size >= PROPERTIES_MAX) return;
  if (document.steps.left-- <= 0) return;
  const schema = resolved(document.root, given);
  if (schema === null) return;
  for (const part of asList(schema["allOf"])) {
    collect({ ...into, parts: parts + 1 }, part, name, at);
  }
  if (name !== "" && !found.has(name)) {
    found.set(name, { type: typeOf(schema), isRequired: at.isRequired });
  }
  if (schema["items"] !== undefined) {
    collect(into, schema["items"], `${name}[]`, { ...at, depth: at.depth + 1 });
  }
  const required = new Set(asList(schema["required"]));
  for (const [key, inner] of Object.entries(asObject(schema["properties"]) ?? {})) {
    const isRequired = at.isRequired && required.has(key);
    const path = name === "" ? key : `${name}.${key}`;
    collect(into, inner, path, { depth: at.depth + 1, isRequired });
  }
}

function typeOf(schema: Json): string {
  const { type, format } = schema;
  if (Array.isArray(type)) return type.join("|");
  if (typeof type === "string") return typeof format === "string" ? `${type}(${format})` : type;
  return "properties" in schema ? "object" : "any";
}

import { isRecord } from "../../index.ts";
import type { Side } from "../facts/change-set.ts";
import { joinPaths, methodOf, type Route } from "../facts/service.ts";
import { readDocument } from "../reading/read-document.ts";

/** A JSON object, of whatever shape. */
export type Json = Readonly<Record<string, unknown>>;

/** An OpenAPI 3 or Swagger 2 document that has parsed. */
export type OpenApi = {
  readonly root: Json;
  readonly basePath: string;
  /** Schemas that may still be looked at: references can lead to any number of them. */
  readonly steps: { left: number };
};

/** What comparing one document may cost. */
const STEPS_MAX = 500_000;

export type Operation = {
  /** Upper case. */
  readonly method: string;
  /** With the base path of the document. */
  readonly path: string;
  readonly parameters: readonly Json[];
  readonly node: Json;
};

/** Two versions of a document, and where it is. */
export type Documents = {
  readonly before: OpenApi;
  readonly after: OpenApi;
  readonly file: string;
};

/** One operation in both versions. */
export type Pair = { readonly old: Operation; readonly now: Operation };

const METHODS = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/** The document in a text, JSON or YAML; null if it is none. Or why it was left out. */
export function parseOpenApi(text: string): OpenApi | { readonly leftOut: string } | null {
  const document = readDocument(text);
  if (document === null || "leftOut" in document) return document;
  const root = asObject(document.value);
  if (root === null || !("openapi" in root || "swagger" in root)) return null;
  return { root, basePath: basePathOf(root), steps: { left: STEPS_MAX } };
}

/** Every operation, in the order of the document. */
export function operationsOf({ root, basePath }: OpenApi): Operation[] {
  return Object.entries(asObject(root["paths"]) ?? {}).flatMap(([path, given]) => {
    const item = resolved(root, given);
    if (item === null) return [];
    return METHODS.flatMap((method) => {
      const node = asObject(item[method]);
      if (node === null) return [];
      const parameters = [...asList(item["parameters"]), ...asList(node["parameters"])]
        .map((parameter) => resolved(root, parameter))
        .filter((parameter) => parameter !== null);
      return [{ method: method.toUpperCase(), path: joinPaths(basePath, path), parameters, node }];
    });
  });
}

const REFERENCES_MAX = 20;

/** An object, or what its `$ref` within the document leads to; null for anything else. */
export function resolved(root: Json, given: unknown): Json | null {
  let node = asObject(given);
  for (let step = 0; node !== null && step < REFERENCES_MAX; step++) {
    const reference = node["$ref"];
    if (typeof reference !== "string") return node;
    if (!reference.startsWith("#/")) return null; // in another document, which is not known
    let target: unknown = root;
    for (const key of reference.slice(2).split("/")) {
      target = asObject(target)?.[key.replaceAll("~1", "/").replaceAll("~0", "~")];
    }
    node = asObject(target);
  }
  return null;
}

export function asObject(value: unknown): Json | null {
  return isRecord(value) ? value : null;
}

/** A text; anything else is empty. */
export function asText(value: unknown): string {
  return typeof value === "string" ? value : "";
}

export function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function basePathOf(root: Json): string {
  if (typeof root["basePath"] === "string") return root["basePath"];
  const url = asObject(asList(root["servers"])[0])?.["url"];
  if (typeof url !== "string") return "";
  // Placeholders stand in hosts more often than in paths, and a path is all that is wanted.
  const path = url.replace(/^[a-z]+:\/\/[^/]*/i, "");
  return path.includes("{") ? "" : path;
}

/** One property of a body, named by its path: `items[].id`. */
export type Property = {
  /** Its alternatives, `integer|null`, in one order however they are written. */
  readonly type: string;
  readonly isRequired: boolean;
  /** The values that it is one of; null: any. */
  readonly values: readonly string[] | null;
};

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
    found.set(name, { ...valueOf(schema), isRequired: at.isRequired });
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

/** What a schema lets in. That null is among it says OpenAPI 3.0 by `nullable`, 3.1 by a type. */
export function valueOf(schema: Json): Pick<Property, "type" | "values"> {
  const { type, format, enum: values, nullable } = schema;
  const parts = [...asList(schema["anyOf"]), ...asList(schema["oneOf"])].map(
    (part) => asObject(part) ?? {},
  );
  if (type === undefined && parts.length > 0 && parts.every((part) => "type" in part)) {
    const alternatives = parts.flatMap((part) => valueOf(part).type.split("|")).toSorted(nullLast);
    return { type: [...new Set(alternatives)].join("|"), values: null };
  }
  const named = [type].flat().filter((one) => typeof one === "string");
  const bare = named.filter((one) => one !== "null");
  const isNullable = nullable === true || named.length > bare.length;
  const suffix = typeof format === "string" ? `(${format})` : "";
  const alternatives = bare.map((one) => `${one}${suffix}`).toSorted();
  if (alternatives.length === 0 && type !== "null") {
    alternatives.push("properties" in schema ? "object" : "any");
  }
  return {
    type: [...alternatives, ...(isNullable ? ["null"] : [])].join("|"),
    values: Array.isArray(values) ? values.map(String) : null,
  };
}

function nullLast(left: string, right: string): number {
  return Number(left === "null") - Number(right === "null") || (left < right ? -1 : 1);
}

/** Whether whoever takes one type takes all of another: `number` takes `integer`. */
export function takesType(wide: string, narrow: string): boolean {
  const taken = new Set(wide.split("|"));
  const isTaken = (one: string): boolean =>
    taken.has(one) ||
    taken.has(one.split("(", 1)[0] ?? "") ||
    (one.startsWith("integer") && taken.has("number"));
  return taken.has("any") || narrow.split("|").every(isTaken);
}

/** `  /users/{id}:` of YAML, `"/users/{id}": {` of JSON. */
const PATH = /^(?:"(\/[\w{}/.~-]*)"|'(\/[\w{}/.~-]*)'|(\/[\w{}/.~-]*))\s*:\s*\{?$/;

/**
 * The paths that lines of an API's document name, for a document of which only the changed
 * lines are known: without the methods, which stand on other lines.
 */
export function pathsInLines(file: string, side: Side): Route[] {
  return side.lines.flatMap(({ text, line }) => {
    const [, inDouble, inSingle, bare] = PATH.exec(text.trim()) ?? [];
    const path = inDouble ?? inSingle ?? bare;
    if (path === undefined) return [];
    return [{ method: methodOf("all"), path, file, line, isParsed: false }];
  });
}

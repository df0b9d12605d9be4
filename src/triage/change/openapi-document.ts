import { isRecord } from "../../json.ts";
import { readDocument } from "../read-document.ts";
import { joinPaths } from "./route.ts";

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

import { expect, test } from "vitest";
import type { ChangedFile } from "../../../../src/triage/facts/change-set.ts";
import { analyzeService } from "../../../../src/triage/pipeline/analyze-service.ts";

const identity = { repo: "o/a", description: "", hosts: [], envNames: [], interfaceFiles: [] };

function degradedBy(path: string, before: string, after: string): readonly string[] {
  const lines = { added: [], removed: [], isBinary: false } as const;
  const file: ChangedFile = {
    path,
    oldPath: null,
    changeType: "modified",
    before,
    after,
    ...lines,
  };
  const commits = { baseSha: "a", headSha: "b", message: "", truncated: false, capsHit: [] };
  const change = { mode: "git", files: [file], ...commits } as const;
  return analyzeService({ change, consumer: null, identity }, () => {}).degraded;
}

test("a compose file of keys of keys costs itself and no verdict, which says so", () => {
  expect(degradedBy("compose.yaml", "a: 1", "? ".repeat(600))).toEqual([
    "compose.yaml was left out as a document of an API: it is nested more than 64 deep",
  ]);
});

const schema = (name: string) => ({ $ref: `#/components/schemas/${name}` });

function api(schemas: object): string {
  const content = { "application/json": { schema: schema("s0") } };
  const paths = { "/a": { get: { responses: { "200": { content } } } } };
  return JSON.stringify({ openapi: "3.0.0", paths, components: { schemas } });
}

test("a schema that is a part of itself comes to an end", () => {
  const text = api({ s0: { allOf: [schema("s0")] } });

  expect(degradedBy("openapi.json", text, text)).toEqual([]);
});

const parts = (next: number) => Array.from({ length: 10 }, () => schema(`s${next}`));

test("schemas of ten parts of ten parts each are compared as far as they may cost", () => {
  const schemas = Array.from({ length: 20 }, (_, at) => [`s${at}`, { allOf: parts(at + 1) }]);
  const text = api({ ...Object.fromEntries(schemas), s20: { type: "string" } });

  expect(degradedBy("openapi.json", text, text)).toEqual([
    "openapi.json was not compared to its end: it has too many schemas",
  ]);
});

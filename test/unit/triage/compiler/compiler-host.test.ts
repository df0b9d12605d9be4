// Goal: no declaration is parsed twice where once will do. Method: programs of both kinds on one
// pair of versions, and what they leave in the memory that they share.

import { expect } from "vitest";
import { sourcesOf } from "../../../../src/triage/compiler/compiler-host.ts";
import { locatePackages } from "../../../../src/triage/sources/npm/installed.ts";
import {
  createSurfaceProgram,
  NO_COMPANION,
} from "../../../../src/triage/surface/surface-program.ts";
import { test } from "../../../support/packages.ts";

test("the surface takes what the consumer's programs have parsed, where it hides nothing", async ({
  makeUpgrade,
}) => {
  const declared = "export declare class Plain { value: string }\n";
  const hiding = "export declare class Hiding { private secret: string }\n";
  const files = { "index.d.ts": declared, "hiding.d.ts": hiding };
  const request = await makeUpgrade({ from: files, to: files });
  const pair = locatePackages(request);
  const sources = sourcesOf(request, request.consumer.path, pair);
  const paths = Object.keys(files).map((name) => `${pair.from.directory}/${name}`);
  const entries = paths.map((file) => ({ subpath: ".", file, typed: true }));
  const settings = { sources, companion: NO_COMPANION, withLibrary: false, types: [] };
  createSurfaceProgram(pair, entries, settings);
  const [plainKey = ""] = [...sources.parsed.keys()].filter((key) => key.includes("index.d.ts"));
  const consumers = sources.parsed.get(plainKey);
  sources.parsed.clear();
  sources.parsed.set(plainKey.replace("rewritten:", ""), consumers);

  const { program } = createSurfaceProgram(pair, entries, settings);

  expect(program.getSourceFile(paths[0] ?? "")).toBe(consumers);
  expect(program.getSourceFile(paths[1] ?? "")?.text).not.toContain("secret");
});

/**
 * What package.json files say of names: their package's own, and those that it depends on. Each is
 * text of a stranger, so they are read in a process of its own: readEach(PACKAGE_NAMES, …).
 */
import { z } from "zod";
import { jsonValueIn } from "../../facts/json-text.ts";
import { LIMITS } from "../../facts/limits.ts";
import { Fence } from "../../reading/fence.ts";
import type { Reading } from "../../reading/read-each.ts";

/** What a package.json calls its package; `version` is "" where it has none. */
export type Named = { readonly name: string; readonly version: string };

/** By the text of a package.json; null: it does not parse, or has no name. */
export const PACKAGE_NAMES: Reading<undefined, string, Named | null> = {
  module: import.meta.url,
  name: "makePackageIn",
};

/** By the path of a package.json below a folder; null: it does not parse. */
export const DEPENDENCY_NAMES: Reading<string, string, string[] | null> = {
  module: import.meta.url,
  name: "makeDependenciesIn",
};

export function makePackageIn(): typeof packageIn {
  return packageIn;
}

const named = z.looseObject({ name: z.string().min(1), version: z.string().catch("") });

function packageIn(text: string): Named | null {
  const parsed = named.safeParse(jsonValueIn(text));
  return parsed.success ? { name: parsed.data.name, version: parsed.data.version } : null;
}

const versions = z.record(z.string(), z.string()).catch({}).default({});
const manifest = z.looseObject({
  dependencies: versions,
  devDependencies: versions,
  optionalDependencies: versions,
  peerDependencies: versions,
});

export function makeDependenciesIn(root: string): (path: string) => string[] | null {
  const fence = new Fence([root], { bytesMax: LIMITS.fileBytesMax });
  return (path) => dependenciesIn(fence, path);
}

function dependenciesIn(fence: Fence, path: string): string[] | null {
  const text = fence.readFile(path);
  if (text === undefined) return [];
  const value = jsonValueIn(text);
  if (value === undefined) return null;
  const parsed = manifest.safeParse(value);
  if (!parsed.success) return [];
  const { dependencies, devDependencies, optionalDependencies, peerDependencies } = parsed.data;
  const listed = { ...peerDependencies, ...optionalDependencies, ...devDependencies };
  return Object.entries({ ...listed, ...dependencies }).map(
    ([key, spec]) => /^npm:(@?[^@]+)/.exec(spec)?.[1] ?? key,
  );
}

import { z } from "zod";
import { parseJsonText } from "../../model/json.ts";
import { LIMITS } from "../facts/limits.ts";
import { Fence } from "../reading/fence.ts";
import { addEntryStubs } from "../sources/npm/entry-stubs.ts";
import { assessBy } from "../template/assess.ts";
import { explain } from "../template/explain.ts";

/**
 * What is read of strangers' text beside the analyses: each by its name, given what is the same
 * for all items, then item by item. Everything of it goes to a thread; see read-each.ts.
 */
export const READINGS = {
  assess: (about: {
    config: Parameters<typeof assessBy>[0];
    told: Parameters<typeof assessBy>[1];
  }) => assessBy(about.config, about.told),
  explain: () => explain,
  /** By the text of a package.json; null: it does not parse, or has no name. */
  package: () => packageIn,
  /** By the path of a package.json below a folder; null: it does not parse. */
  dependencies: (root: string) => {
    const fence = new Fence([root], { bytesMax: LIMITS.fileBytesMax });
    return (path: string) => dependenciesIn(fence, path);
  },
  /** By a package's folder. */
  standIns: () => addEntryStubs,
} as const;

export type Reading = keyof typeof READINGS;

/** What a package.json calls its package; `version` is "" where it has none. */
export type Named = { readonly name: string; readonly version: string };

const named = z.looseObject({ name: z.string().min(1), version: z.string().catch("") });

function packageIn(text: string): Named | null {
  const parsed = named.safeParse(valueOf(text));
  return parsed.success ? { name: parsed.data.name, version: parsed.data.version } : null;
}

const versions = z.record(z.string(), z.string()).catch({}).default({});
const manifest = z.looseObject({
  dependencies: versions,
  devDependencies: versions,
  optionalDependencies: versions,
  peerDependencies: versions,
});

function dependenciesIn(fence: Fence, path: string): string[] | null {
  const text = fence.readFile(path);
  if (text === undefined) return [];
  const value = valueOf(text);
  if (value === undefined) return null;
  const parsed = manifest.safeParse(value);
  if (!parsed.success) return [];
  const { dependencies, devDependencies, optionalDependencies, peerDependencies } = parsed.data;
  const listed = { ...peerDependencies, ...optionalDependencies, ...devDependencies };
  return Object.entries({ ...listed, ...dependencies }).map(
    ([key, spec]) => /^npm:(@?[^@]+)/.exec(spec)?.[1] ?? key,
  );
}

function valueOf(text: string): unknown {
  try {
    return parseJsonText(text);
  } catch {
    return undefined;
  }
}

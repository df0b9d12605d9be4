/**
 * What package.json files call their packages. Each is text of a stranger, so they are read in a
 * process of its own: readEach(PACKAGE_NAMES, …).
 */
import { z } from "zod";
import { jsonValueIn } from "../../facts/json-text.ts";
import type { Reading } from "../../reading/read-each.ts";

/** What a package.json calls its package; `version` is "" where it has none. */
export type Named = { readonly name: string; readonly version: string };

/** By the text of a package.json; null: it does not parse, or has no name. */
export const PACKAGE_NAMES: Reading<undefined, string, Named | null> = {
  module: import.meta.url,
  name: "makePackageIn",
};

export function makePackageIn(): typeof packageIn {
  return packageIn;
}

const named = z.looseObject({ name: z.string().min(1), version: z.string().catch("") });

function packageIn(text: string): Named | null {
  const parsed = named.safeParse(jsonValueIn(text));
  return parsed.success ? { name: parsed.data.name, version: parsed.data.version } : null;
}

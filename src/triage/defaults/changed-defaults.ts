import semver from "semver";
import type ts from "typescript";
import { type Default, defaultsOf } from "./defaults-of.ts";
import type { Thing } from "./exported-things.ts";
import type { ModuleFiles } from "./module-files.ts";

/** A default that both versions have, and that differs. */
export type Change = {
  /** What the thing is exported as; its own name first. */
  readonly names: readonly string[];
  /** What is written behind the name: `.member`, `(parameter)`. */
  readonly key: string;
  readonly before: Default;
  readonly after: Default;
};

type Files = { readonly from: ModuleFiles; readonly to: ModuleFiles };
type Things = ReadonlyMap<string, Thing>;

/** The defaults that differ, of what both versions export under the same name; each once. */
export function changedDefaults(files: Files, before: Things, after: Things): Change[] {
  return [...namesOfEach(before, after)].flatMap(([thing, names]) => {
    const next = after.get(names[0] ?? "");
    return next === undefined ? [] : compare(files, names, [thing, next]);
  });
}

function compare(files: Files, names: readonly string[], [old, next]: [Thing, Thing]): Change[] {
  const then = defaultsOf(files.from, old);
  const now = defaultsOf(files.to, next);
  return [...then].flatMap(([key, before]) => {
    const after = now.get(key);
    const differs = after !== undefined && after.literal !== before.literal;
    return differs && !isVersion(key, before) ? [{ names, key, before, after }] : [];
  });
}

/** The names that both versions have, by what they stand for in the old one. */
function namesOfEach(before: Things, after: Things): Map<Thing, string[]> {
  const names = new Map<Thing, string[]>();
  for (const [name, thing] of before) {
    if (!after.has(name)) continue;
    const known = names.get(thing) ?? [];
    names.set(thing, name === textOf(thing.name) ? [name, ...known] : [...known, name]);
  }
  return names;
}

function textOf(name: ts.Identifier | undefined): string | undefined {
  return name?.text;
}

/** A version differs from version to version, and nobody relies on which it is. */
function isVersion(key: string, { literal }: Default): boolean {
  return /version/i.test(key) || semver.valid(literal.replaceAll('"', "")) !== null;
}

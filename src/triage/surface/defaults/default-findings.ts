import { join } from "node:path";
import semver from "semver";
import type ts from "typescript";
import { type Declared, locationOf } from "../../compiler/declarations.ts";
import { type Found, finding } from "../../facts/finding.ts";
import type { PackagePair } from "../../sources/npm/installed.ts";
import { type LoadedBy, resolveSubpath } from "../../sources/npm/manifest.ts";
import { type DefaultValue, defaultsOf } from "./defaults-of.ts";
import { type ExportedValue, exportedValues } from "./exported-values.ts";
import { ModuleFiles } from "./module-files.ts";

type DefaultFindings = {
  readonly found: readonly Found[];
  /** Names of the limits that kept files out. */
  readonly capsHit: readonly string[];
};

/**
 * Constants that exported classes and functions start with or fall back to, and that differ from
 * version to version: their types stay, and what they do does not. Read from the JavaScript behind
 * each subpath, which is parsed and not run.
 */
export function defaultFindings(
  pair: PackagePair,
  subpaths: readonly string[],
  declared: Declared,
): DefaultFindings {
  const files = { from: new ModuleFiles(pair.from), to: new ModuleFiles(pair.to) };
  const found = new Map<string, Found>();
  for (const subpath of subpaths) {
    for (const loadedBy of LOADED_BY) {
      const before = valuesBehind(files.from, pair.from, subpath, loadedBy);
      const after = valuesBehind(files.to, pair.to, subpath, loadedBy);
      if (before.size === 0 || after.size === 0) continue;
      for (const change of changedDefaults(files, before, after)) {
        const one = foundOf(change, { subpath, root: files.to.directory, declared });
        if (one !== null) found.set(one.finding.id, one);
      }
      break;
    }
  }
  const isCut = files.from.isCut || files.to.isCut;
  return { found: [...found.values()], capsHit: isCut ? ["default_files"] : [] };
}

/** What is loaded the second way is the same code, for which the first is as good. */
const LOADED_BY: readonly LoadedBy[] = ["import", "require"];

function valuesBehind(
  files: ModuleFiles,
  tree: PackagePair["from"],
  subpath: string,
  loadedBy: LoadedBy,
): Map<string, ExportedValue> {
  const file = resolveSubpath(tree, subpath, loadedBy);
  const entry =
    file === null ? null : files.resolve(join(tree.directory, "package.json"), `./${file}`);
  return entry === null ? new Map() : exportedValues(files, entry);
}

type About = { readonly subpath: string; readonly root: string; readonly declared: Declared };

/** Null for a method that the declarations leave out, so that nobody may call it. */
function foundOf(
  { names, key, before, after }: ChangedDefault,
  { subpath, root, declared }: About,
): Found | null {
  const [name = "", ...aliases] = names;
  const { member } = before;
  const declarations = names.flatMap((one) => declared.keys(subpath, one, member));
  const isOfMember = member !== null && declared.isTyped(subpath);
  if (isOfMember && declarations.length === 0) return null;
  const subject = `${name}${key}`;
  return {
    finding: finding({
      rule: "js.default_changed",
      breaking: "maybe",
      subject: subpath === "." ? subject : `${subject} (${subpath})`,
      provider: locationOf(after.node, root),
      before: before.literal,
      after: after.literal,
    }),
    match: isOfMember
      ? { by: "symbol", subpath, name: null, declarations }
      : { by: "symbol", subpath, name, aliases, declarations },
  };
}

/** A default that both versions have, and that differs. */
type ChangedDefault = {
  /** What the thing is exported as; its own name first. */
  readonly names: readonly string[];
  /** What is written behind the name: `.member`, `(parameter)`. */
  readonly key: string;
  readonly before: DefaultValue;
  readonly after: DefaultValue;
};

type Files = { readonly from: ModuleFiles; readonly to: ModuleFiles };
type ExportedValues = ReadonlyMap<string, ExportedValue>;

/** The defaults that differ, of what both versions export under the same name; each once. */
function changedDefaults(
  files: Files,
  before: ExportedValues,
  after: ExportedValues,
): ChangedDefault[] {
  return [...namesOfEach(before, after)].flatMap(([thing, names]) => {
    const next = after.get(names[0] ?? "");
    return next === undefined ? [] : compare(files, names, [thing, next]);
  });
}

function compare(
  files: Files,
  names: readonly string[],
  [old, next]: [ExportedValue, ExportedValue],
): ChangedDefault[] {
  const then = defaultsOf(files.from, old);
  const now = defaultsOf(files.to, next);
  return [...then].flatMap(([key, before]) => {
    const after = now.get(key);
    const differs = after !== undefined && after.literal !== before.literal;
    return differs && !isVersion(key, before) ? [{ names, key, before, after }] : [];
  });
}

/** The names that both versions have, by what they stand for in the old one. */
function namesOfEach(before: ExportedValues, after: ExportedValues): Map<ExportedValue, string[]> {
  const names = new Map<ExportedValue, string[]>();
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
function isVersion(key: string, { literal }: DefaultValue): boolean {
  return /version/i.test(key) || semver.valid(literal.replaceAll('"', "")) !== null;
}

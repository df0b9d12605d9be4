import { join } from "node:path";
import { locationOf } from "../compiler/declaration.ts";
import { type Found, finding } from "../finding.ts";
import type { PackagePair } from "../package/locate.ts";
import { type LoadedBy, resolveSubpath } from "../package/subpaths.ts";
import type { Declared } from "../surface/declared.ts";
import { type Change, changedDefaults } from "./changed-defaults.ts";
import { exportedThings, type Thing } from "./exported-things.ts";
import { ModuleFiles } from "./module-files.ts";

export type DefaultFindings = {
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
      const before = thingsBehind(files.from, pair.from, subpath, loadedBy);
      const after = thingsBehind(files.to, pair.to, subpath, loadedBy);
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

function thingsBehind(
  files: ModuleFiles,
  tree: PackagePair["from"],
  subpath: string,
  loadedBy: LoadedBy,
): Map<string, Thing> {
  const file = resolveSubpath(tree, subpath, loadedBy);
  const entry =
    file === null ? null : files.resolve(join(tree.directory, "package.json"), `./${file}`);
  return entry === null ? new Map() : exportedThings(files, entry);
}

type About = { readonly subpath: string; readonly root: string; readonly declared: Declared };

/** Null for a method that the declarations leave out, so that nobody may call it. */
function foundOf(
  { names, key, before, after }: Change,
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

import semver from "semver";
import { isRecord } from "../../json.ts";
import type { ChangedFile } from "../change-set.ts";
import { manifestIn } from "./manifest-text.ts";

/**
 * Whether a manifest raises a version of something that runs with the derivative: that is how
 * most repairs of known holes arrive. What is only needed in development does not count, nor
 * does what is new.
 */
export function bumpsDependency(file: ChangedFile): boolean {
  const { path } = file;
  if (/(?:^|\/)package\.json$/.test(path)) return bumpsPackage(file);
  if (/(?:^|\/)(?:requirements[\w.-]*\.txt|constraints\.txt)$/.test(path)) {
    return bumpsLine(file, /^\s*([\w.-]+(?:\[[\w,.-]+\])?)\s*(?:==|~=|>=)\s*v?([\d][\w.]*)/);
  }
  if (/(?:^|\/)(?:pyproject|Cargo)\.toml$/.test(path)) {
    return bumpsLine(file, /^\s*"?([\w.-]+)"?\s*(?:=\s*"|[~=>^])[\s~^>=]*v?(\d[\w.]*)/);
  }
  if (/(?:^|\/)go\.mod$/.test(path)) {
    return bumpsLine(file, /^\s*(?:require\s+)?([^\s.]+\.\S+)\s+v(\d[\w.]*)/);
  }
  return false;
}

function bumpsPackage({ before, after, added, removed }: ChangedFile): boolean {
  if (before === null || after === null) {
    const lines = /^\s*"(@?[\w./-]+)":\s*"[~^>=]*v?(\d[\w.-]*)"/;
    return bumpsLine({ added, removed }, lines);
  }
  const old = dependenciesOf(before);
  return [...dependenciesOf(after)].some(([name, range]) => isRaised(old.get(name), range));
}

function dependenciesOf(text: string): Map<string, string> {
  const manifest = manifestIn(text);
  const fields = ["dependencies", "optionalDependencies", "overrides", "resolutions"];
  return new Map(
    fields.flatMap((field) => {
      const group = manifest[field];
      const entries = isRecord(group) ? Object.entries(group) : [];
      return entries.flatMap(([name, range]) =>
        typeof range === "string" ? [[`${field} ${name}`, range] as const] : [],
      );
    }),
  );
}

function bumpsLine({ added, removed }: Pick<ChangedFile, "added" | "removed">, pattern: RegExp) {
  const versionsIn = (lines: ChangedFile["added"]) =>
    new Map(
      lines.flatMap(({ text }) => {
        const [, name, version] = pattern.exec(text) ?? [];
        return name === undefined || version === undefined || name === "version"
          ? []
          : [[name, version] as const];
      }),
    );
  const old = versionsIn(removed);
  return [...versionsIn(added)].some(([name, version]) => isRaised(old.get(name), version));
}

function isRaised(from: string | undefined, to: string): boolean {
  const [old, now] = [semver.coerce(from), semver.coerce(to)];
  return old !== null && now !== null && semver.gt(now, old);
}

import type { ChangedFile } from "../change-set.ts";
import { type Breaking, finding } from "../finding.ts";
import { type EnvKey, envKeysOf } from "./env-keys.ts";
import { isTest } from "./file-kinds.ts";
import { sidesOf } from "./sides.ts";
import type { ServiceFound } from "./sought.ts";
import { wordsOf } from "./words.ts";

/** Variables of the environment that a provider wants, drops or calls by another name. */
export function envFindings(files: readonly ChangedFile[]): ServiceFound[] {
  const named = files.filter(({ path }) => !isTest(path));
  const before = keysOf(named, "old");
  const after = keysOf(named, "new");
  const gone = [...before].filter(([name]) => !after.has(name));
  const came = [...after].filter(([name]) => !before.has(name));

  const renamed = new Map<string, string>();
  for (const [name, keys] of gone) {
    const heirs = came.filter(([other, keysNow]) => isHeir(keys, keysNow, name, other));
    const free = heirs.filter(([other]) => ![...renamed.values()].includes(other));
    if (free.length === 1 && free[0] !== undefined) renamed.set(name, free[0][0]);
  }
  const taken = new Set(renamed.values());
  return [
    ...gone.map(([name, keys]) => goneKey(name, keys, renamed.get(name) ?? null)),
    ...came.filter(([name]) => !taken.has(name)).map(([name, keys]) => newKey(name, keys)),
  ];
}

type Keys = readonly EnvKey[];

function keysOf(files: readonly ChangedFile[], side: "old" | "new"): Map<string, Keys> {
  const keys = files.flatMap((file) =>
    envKeysOf(side === "old" ? (file.oldPath ?? file.path) : file.path, sidesOf(file)[side]),
  );
  return Map.groupBy(keys, ({ name }) => name);
}

/** In the same file, with the same value or with most of the words. */
function isHeir(old: Keys, now: Keys, oldName: string, newName: string): boolean {
  const files = new Set(old.map(({ file }) => file));
  const near = now.filter(({ file }) => files.has(file));
  if (near.length === 0) return false;
  const values = new Set(old.map(({ value }) => value).filter((value) => value !== null));
  const sameValue = near.some(
    ({ value }) => value !== null && value.length > 3 && values.has(value),
  );
  const words = new Set(wordsOf(oldName));
  const shared = wordsOf(newName).filter((word) => words.has(word)).length;
  return sameValue || shared * 2 > Math.max(words.size, wordsOf(newName).length);
}

function goneKey(name: string, keys: Keys, heir: string | null): ServiceFound {
  return {
    finding: envFinding(heir === null ? "env.removed" : "env.renamed", name, {
      keys,
      breaking: heir === null ? "yes" : "maybe",
      before: name,
      after: heir,
    }),
    sought: [{ by: "env", name }],
  };
}

/** Required if a line cannot do without it and no other line gives a value. */
function newKey(name: string, keys: Keys): ServiceFound {
  const hasDefault = keys.some(({ value }) => value !== null);
  const isRequired = !hasDefault && keys.some(({ isOptional }) => !isOptional);
  const value = keys.find((key) => key.value !== null)?.value ?? null;
  return {
    finding: envFinding(isRequired ? "env.added_required" : "env.added", name, {
      keys,
      breaking: isRequired ? "yes" : "maybe",
      before: null,
      after: value === null || isSecret(name) ? name : `${name}=${value}`,
    }),
    sought: [{ by: "env", name }, { by: "image" }],
  };
}

/** Its value is nobody's business, not even that of an example. */
function isSecret(name: string): boolean {
  const secret = new Set(["key", "token", "secret", "password", "pass", "credential", "dsn"]);
  return wordsOf(name).some((word) => secret.has(word));
}

type Parts = {
  readonly keys: Keys;
  readonly breaking: Breaking;
  readonly before: string | null;
  readonly after: string | null;
};

function envFinding(
  rule: string,
  name: string,
  { keys, ...parts }: Parts,
): ServiceFound["finding"] {
  const first = keys[0];
  return finding({
    rule,
    trigger: "configuration",
    subject: name,
    provider: first === undefined ? null : { path: first.file, line: first.line },
    replacement: rule === "env.renamed" ? parts.after : null,
    ...parts,
  });
}

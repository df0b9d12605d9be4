import type { ChangedFile } from "../change-set.ts";
import { type Breaking, finding } from "../finding.ts";
import { type EnvKey, envKeysOf } from "./env-keys.ts";
import { isTest } from "./file-kinds.ts";
import { sidesOf } from "./sides.ts";
import type { ServiceFound } from "./sought.ts";
import { wordsOf } from "./words.ts";

/** More than the result holds, so that its cap tells of the rest. */
const NAMES_MAX = 1_000;

/** Variables of the environment that a provider wants, drops or calls by another name. */
export function envFindings(files: readonly ChangedFile[]): ServiceFound[] {
  const named = files.filter(({ path }) => !isTest(path));
  const before = keysOf(named, "old");
  const after = keysOf(named, "new");
  const gone = [...before].filter(([name]) => !after.has(name)).slice(0, NAMES_MAX);
  const came = [...after].filter(([name]) => !before.has(name)).slice(0, NAMES_MAX);

  const renamed = new Map<string, string>();
  const taken = new Set<string>();
  const candidates = came.map(([name, keys]) => variableOf(name, keys));
  for (const [name, keys] of gone) {
    const old = variableOf(name, keys);
    const [heir, ...more] = candidates.filter((now) => !taken.has(now.name) && isHeir(old, now));
    if (heir === undefined || more.length > 0) continue;
    renamed.set(name, heir.name);
    taken.add(heir.name);
  }
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

type Variable = {
  readonly name: string;
  readonly words: readonly string[];
  /** By file, the values there. */
  readonly values: ReadonlyMap<string, ReadonlySet<string>>;
};

/** Where a variable is named, of many places the first. */
function variableOf(name: string, keys: Keys): Variable {
  const values = new Map<string, Set<string>>();
  for (const { file, value } of keys.slice(0, PLACES_MAX)) {
    const inFile = values.get(file) ?? new Set();
    values.set(file, value === null ? inFile : inFile.add(value));
  }
  return { name, words: wordsOf(name), values };
}

const PLACES_MAX = 50;

/** In the same file, with the same value or with most of the words. */
function isHeir(old: Variable, now: Variable): boolean {
  const near = [...now.values].filter(([file]) => old.values.has(file));
  if (near.length === 0) return false;
  const known = new Set([...old.values.values()].flatMap((values) => [...values]));
  const sameValue = near.some(([, values]) =>
    [...values].some((value) => value.length > 3 && known.has(value)),
  );
  const words = new Set(old.words);
  const shared = now.words.filter((word) => words.has(word)).length;
  return sameValue || shared * 2 > Math.max(words.size, now.words.length);
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

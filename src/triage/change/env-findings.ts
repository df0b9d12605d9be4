import { type ChangedFile, lineFinder, type Side, sidesOf, sideText } from "../facts/change-set.ts";
import {
  describesKubernetes,
  isCode,
  isCompose,
  isDockerfile,
  isEnvFile,
  isKubernetes,
  isPython,
  isScript,
  isShell,
  isTest,
} from "../facts/file-kinds.ts";
import { type Breaking, finding } from "../facts/finding.ts";
import { wordsOf } from "../facts/identifier-words.ts";
import type { ServiceFound } from "../facts/service.ts";
import { boundName, isAskedAbout } from "./asked-variables.ts";

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
    ...[...after]
      .filter(([name, keys]) => losesDefault(before.get(name) ?? [], keys))
      .slice(0, NAMES_MAX)
      .map(([name, keys]) => demandedKey(name, keys)),
  ];
}

/** Whether code had a value for a variable, and now cannot do without one that somebody gives. */
function losesDefault(before: Keys, after: Keys): boolean {
  const had = before.some(({ file, value }) => isCode(file) && value !== null);
  const isDemanded = after.some(({ file, isOptional }) => isCode(file) && !isOptional);
  return had && isDemanded && after.every(({ value }) => value === null);
}

/** It breaks who runs the image without it: who sets it, had given it already. */
function demandedKey(name: string, keys: Keys): ServiceFound {
  const parts = { keys, breaking: "yes", before: "has a default", after: name } as const;
  return {
    finding: envFinding("env.added_required", name, parts),
    matches: [{ by: "image", without: name }],
  };
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

/** A level of logs or the like changes nothing that others rely on, set or not. */
function goneKey(name: string, keys: Keys, heir: string | null): ServiceFound {
  const breaking = isForOperators(name) ? "no" : heir === null ? "yes" : "maybe";
  return {
    finding: envFinding(heir === null ? "env.removed" : "env.renamed", name, {
      keys,
      breaking,
      before: name,
      after: heir,
    }),
    matches: [{ by: "env", name }],
  };
}

/**
 * Required if a line cannot do without it and no other line gives a value. One that has a value
 * breaks nobody who does not set it; of one that is only looked at nobody knows.
 */
function newKey(name: string, keys: Keys): ServiceFound {
  const value = keys.find((key) => key.value !== null)?.value ?? null;
  const isFree = value !== null || isForOperators(name);
  const isRequired = !isFree && keys.some(({ isOptional }) => !isOptional);
  const shown = value === null || value === "" || isSecret(name) ? name : `${name}=${value}`;
  return {
    finding: envFinding(isRequired ? "env.added_required" : "env.added", name, {
      keys,
      breaking: isRequired ? "yes" : isFree ? "no" : "maybe",
      before: null,
      after: shown,
    }),
    matches: [{ by: "env", name }, { by: "image" }],
  };
}

/** What tunes a process for those who run it: every program can do without. */
const FOR_OPERATORS =
  /^(?:\w+_)?(?:LOG_?(?:LEVEL|FORMAT|DIR|FILE)|DEBUG|VERBOSE|(?:NO|FORCE)_COLOR|NODE_OPTIONS|TZ)$/;

function isForOperators(name: string): boolean {
  return FOR_OPERATORS.test(name);
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

/** An environment variable that a line of a provider reads or sets. */
type EnvKey = {
  readonly name: string;
  /** What it is unless somebody says otherwise; null if the line gives nothing. */
  readonly value: string | null;
  /** Whether the line can do without it. */
  readonly isOptional: boolean;
  readonly file: string;
  readonly line: number | null;
};

const NAME = "([A-Z][A-Z0-9_]+)";
/** A longer one is data. */
const NAME_CHARS_MAX = 81;

/** Variables that every system has; who names one does not name this provider's. */
const EVERYWHERE = new Set(
  "PATH HOME USER SHELL PWD LANG TZ TERM TMPDIR NODE_ENV CI HOSTNAME PYTHONPATH PYTHONUNBUFFERED".split(
    " ",
  ),
);

/** The variables that one side of a file names. */
export function envKeysOf(path: string, side: Side): EnvKey[] {
  const reader = readerFor(path, side);
  if (reader === null) return [];
  const onLines = side.lines.flatMap(({ text, line }, index) =>
    reader(text, side.lines[index + 1]?.text ?? "").map((key) => ({ ...key, file: path, line })),
  );
  const read = isScript(path) || isPython(path) ? onLines.map((key) => asked(key, side)) : onLines;
  const found = isScript(path) ? [...read, ...declaredKeys(path, side)] : read;
  return found.filter(({ name }) => name.length <= NAME_CHARS_MAX && !EVERYWHERE.has(name));
}

/** Optional as well: what a name is given that the file then asks about, `if (dsn) start(dsn)`. */
function asked(key: EnvKey, { lines }: Side): EnvKey {
  if (key.value !== null) return key;
  const read = lines.find(({ line, text }) => line === key.line && text.includes(key.name));
  const name = boundName(read?.text ?? "");
  return name !== null && isAskedAbout(name, lines) ? { ...key, value: "", isOptional: true } : key;
}

type Read = Omit<EnvKey, "file" | "line">;
type Reader = (text: string, next: string) => Read[];

function readerFor(path: string, side: Side): Reader | null {
  if (isEnvFile(path)) return (text) => assignments(text, ENV_LINE);
  if (isScript(path) || isPython(path)) return codeKeys;
  if (isCode(path)) return otherKeys;
  if (isShell(path)) return substitutions;
  if (isDockerfile(path)) return (text) => assignments(text, DOCKER_ENV);
  if (isCompose(path)) return (text) => [...substitutions(text), ...composeKeys(text)];
  const isCluster = isKubernetes(path) || describesKubernetes(path, side.lines);
  return isCluster ? kubernetesKeys : null;
}

const ENV_LINE = new RegExp(`^\\s*(?:export\\s+)?${NAME}\\s*=(.*)`);
const DOCKER_ENV = new RegExp(`^\\s*ENV\\s+${NAME}(?:=|\\s)(.*)`);
const COMPOSE_ENV = new RegExp(`^\\s*(?:-\\s*)?["']?${NAME}\\s*[=:](.*)`);

function assignments(text: string, pattern: RegExp): Read[] {
  const [, name, given = ""] = pattern.exec(text) ?? [];
  return name === undefined ? [] : assigned(name, given.trimStart());
}

/** The quote that ends a whole entry, `- "PORT=8000"`, is none of the value's. */
function composeKeys(text: string): Read[] {
  const [, name, given = ""] = COMPOSE_ENV.exec(text) ?? [];
  return name === undefined ? [] : assigned(name, given.trim().replace(/["']$/, ""));
}

function assigned(name: string, given: string): Read[] {
  const value = withoutComment(given).replaceAll(/^["']|["']$/g, "");
  // `${OTHER}` hands a variable on: what it holds is said where that is read.
  if (/^\$\{?[A-Z]/.test(value)) return [];
  return [{ name, value: value === "" ? null : value, isOptional: value !== "" }];
}

/** Up to a `#` behind a blank. */
function withoutComment(value: string): string {
  for (let at = value.indexOf("#", 1); at !== -1; at = value.indexOf("#", at + 1)) {
    if (/\s/.test(value.charAt(at - 1))) return value.slice(0, at).trimEnd();
  }
  return value;
}

/** `${NAME}`, `${NAME:-default}`, `${NAME:?why}` of shells and compose, up to the brace. */
const SUBSTITUTED = new RegExp(`\\$\\{${NAME}(?::?([-?+]))?`, "g");

function substitutions(text: string): Read[] {
  if (/^\s*#/.test(text)) return [];
  // A brace closes what the first `${` before it has opened.
  return text
    .split("}")
    .slice(0, -1)
    .flatMap((part) => {
      const found = [...part.matchAll(SUBSTITUTED)].find(
        ({ 0: start, 2: sign, index }) =>
          sign !== undefined || index + start.length === part.length,
      );
      if (found === undefined) return [];
      const [start, name = "", sign] = found;
      const value = sign === "-" ? part.slice(found.index + start.length) : null;
      return [{ name, value, isOptional: sign !== "?" }];
    });
}

/** Reading that throws or yields nothing, and reading with a way out on the same line. */
const NODE_ENV = new RegExp(
  `\\b(?:process\\.env|import\\.meta\\.env)(?:\\.|\\[["'])${NAME}\\b["'\\]]*(\\s*(?:\\?\\?|\\|\\||&&|[!=]==?|\\?)\\s*["'\`]?([\\w.:/-]*))?`,
  "g",
);
const PYTHON_ITEM = new RegExp(`\\bos\\.environ\\s*\\[\\s*["']${NAME}["']\\s*\\]`, "g");
const PYTHON_GET = new RegExp(
  `\\bos\\.(?:getenv|environ\\.get)\\(\\s*["']${NAME}["']\\s*(?:,\\s*["']?([^"')]*))?`,
  "g",
);

/** A test whose outcome ends the process. */
const ENDS = /\b(?:throw|raise|panic|abort|exit|fatal)\b/i;
const IS_FALLBACK = /^\s*(?:\?\?|\|\|)/;

function codeKeys(text: string, next: string): Read[] {
  if (/^\s*(?:#|\/\/|\*)/.test(text)) return [];
  const isCondition = /^\s*(?:if|(?:\}\s*)?else if)\b|[!]process\.env/.test(text);
  const isTested = isCondition && !ENDS.test(text) && !ENDS.test(next);
  return [
    ...[...text.matchAll(NODE_ENV)].map((found) => {
      const { 0: whole, 1: name = "", 2: otherwise, 3: value = "", index } = found;
      const isDemanded = isCondition && !isTested;
      // What stands in its place may be on the next line.
      const isLast = index + whole.length === text.trimEnd().length;
      const hasFallback = IS_FALLBACK.test(otherwise ?? (isLast ? next : ""));
      const isOptional = !isDemanded && (isTested || hasFallback || otherwise !== undefined);
      // Code that asks whether it is there, or what it is, gets along without.
      return {
        name,
        value: hasFallback && isOptional ? value : isOptional ? "" : null,
        isOptional,
      };
    }),
    ...[...text.matchAll(PYTHON_ITEM)].map(([, name = ""]) => ({
      name,
      value: null,
      isOptional: false,
    })),
    ...[...text.matchAll(PYTHON_GET)].map(([, name = "", value]) => ({
      name,
      value: value ?? null,
      isOptional: true,
    })),
  ];
}

const QUOTED_NAME = `["']${NAME}["']`;
const GIVEN_NAME = new RegExp(`\\(\\s*${QUOTED_NAME}`, "g");
const SECOND = /^\s*,\s*["']?([^"')]*)/;
/** Calls that are given the name of a variable, and whether they get along without it. */
const CALLS: readonly (readonly [call: string, isOptional: boolean])[] = [
  ["os.Getenv", true],
  ["os.LookupEnv", true],
  ["getenv", true],
  ["env::var", true],
  ["env::var_os", true],
  ["GetEnvironmentVariable", true],
  ["System.get_env", true],
  ["System.fetch_env!", false],
  ["ENV.fetch", false],
];
const INDEXED = new RegExp(`(?:\\bENV|\\$_ENV|\\$_SERVER)\\[\\s*${QUOTED_NAME}`, "g");

/** Go, Ruby, Java, C#, PHP, Rust and Elixir: most of them get along without. */
function otherKeys(text: string): Read[] {
  if (/^\s*(?:#|\/\/|\*)/.test(text)) return [];
  return [
    ...[...text.matchAll(GIVEN_NAME)].flatMap(({ 0: whole, 1: name = "", index }) => {
      const call = CALLS.find(([one]) => text.slice(0, index).endsWith(one));
      const value = SECOND.exec(text.slice(index + whole.length))?.[1] ?? null;
      return call === undefined ? [] : [{ name, value, isOptional: call[1] || value !== null }];
    }),
    ...[...text.matchAll(INDEXED)].map(([, name = ""]) => ({
      name,
      value: null,
      isOptional: true,
    })),
  ];
}

const TAKEN_APART = /\}\s*=\s*(?:process\.env|import\.meta\.env|Bun\.env)\b/g;
const TAKEN = new RegExp(`^\\s*${NAME}\\s*(?::\\s*[\\w$]+\\s*)?(?:=\\s*["'\`]?([^"'\`]*))?`);
/** Characters of a pattern that are looked at. */
const PATTERN_MAX = 5_000;

/** `NAME: z.string()`, `NAME: str({ default: "x" })`: what a schema of the environment wants. */
const IN_SCHEMA = new RegExp(
  `\\b${NAME}\\s*:\\s*(?:(?:z|zod|v|t|S|Joi|joi|yup|Type|Schema|Config|envalid|type)\\s*\\.|(?:str|num|bool|port|url|host|email|json|string|number|boolean|pipe)\\()`,
  "g",
);
const HAS_DEFAULT = /(?:\.(?:default|catch|fallback)\(|\bdefault\s*:)\s*["'`]?([^)"'`,}]*)/;
const HAS_OPTIONAL = /\b(?:optional|nullish|notRequired|option)\(/;
/** What the names of a schema are held against. */
const READS_ENVIRONMENT =
  /\b(?:process\.env|import\.meta\.env|Bun\.env|createEnv|cleanEnv|runtimeEnv)\b/;
/** Characters of what a schema says of one name. */
const ENTRY_MAX = 500;

/** What a script takes of the environment in one piece, over as many lines as it takes. */
function declaredKeys(path: string, side: Side): EnvKey[] {
  const text = sideText(side);
  if (!/env/i.test(text)) return [];
  const lineAt = lineFinder(side);
  const takenApart = [...text.matchAll(TAKEN_APART)].flatMap(({ index }) => {
    const from = text.lastIndexOf("{", index);
    if (from === -1 || index - from > PATTERN_MAX) return [];
    let at = from + 1;
    return text
      .slice(at, index)
      .split(",")
      .flatMap((part): EnvKey[] => {
        const start = at + (part.length - part.trimStart().length);
        at += part.length + 1;
        const [, name, value] = TAKEN.exec(part) ?? [];
        if (name === undefined) return [];
        const isOptional = value !== undefined;
        return [
          { name, value: value?.trim() ?? null, isOptional, file: path, line: lineAt(start) },
        ];
      });
  });
  if (!READS_ENVIRONMENT.test(text)) return takenApart;
  const entries = [...text.matchAll(IN_SCHEMA)];
  const inSchema = entries.map(({ 0: start, 1: name = "", index }, at): EnvKey => {
    const next = entries[at + 1]?.index ?? text.length;
    const entry = entryIn(text.slice(index + start.length, Math.min(next, index + ENTRY_MAX)));
    const value = HAS_DEFAULT.exec(entry)?.[1]?.trim() ?? null;
    const isOptional = value !== null || HAS_OPTIONAL.test(entry);
    // Who says so in a schema gets along without: as if it had an empty value.
    const free = isOptional ? "" : null;
    return { name, value: value ?? free, isOptional, file: path, line: lineAt(index) };
  });
  return [...takenApart, ...inSchema];
}

/** Up to the end of its line, and the lines that go on with it. */
function entryIn(text: string): string {
  const [first = "", ...others] = text.split("\n");
  const end = others.findIndex((line) => !/^\s*[.)\]}]/.test(line));
  return [first, ...others.slice(0, end === -1 ? others.length : end)].join("\n");
}

/** `- name: NAME`, with a value or a reference on the line below. */
const KUBERNETES = new RegExp(`^\\s*-\\s*name:\\s*["']?${NAME}["']?\\s*$`);

function kubernetesKeys(text: string, next: string): Read[] {
  const name = KUBERNETES.exec(text)?.[1];
  if (name === undefined || !/^\s*value(?:From)?\s*:/.test(next)) return [];
  const value = /^\s*value:\s*["']?([^"']*)/.exec(next)?.[1]?.trim();
  return [{ name, value: value ?? null, isOptional: value !== undefined && value !== "" }];
}

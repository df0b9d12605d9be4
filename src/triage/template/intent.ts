import semver from "semver";
import { isRecord } from "../../index.ts";
import type { ChangedFile } from "../facts/change-set.ts";
import { wordsOf } from "../facts/identifier-words.ts";
import { parseJsonText } from "../facts/json-text.ts";
import { readToml } from "../reading/read-document.ts";

/** What a change is for, the gravest first. */
const INTENTS = ["security", "fix", "feature", "chore"] as const;
export type Intent = (typeof INTENTS)[number];

/** What a change of a file is for: by the messages of its commits, and by its lines. */
export function intentOf(file: ChangedFile, messages: readonly string[]): Intent {
  if (handlesSecrets(file) || bumpsDependency(file)) return "security";
  return gravest(messages.map(messageIntent));
}

const SECURITY_WORDS = ["security", "vulnerability", "vulnerabilities", "xss", "csrf", "ssrf"];
const FIX_WORDS = ["fix", "fixes", "fixed", "bugfix", "hotfix", "bug", "repair", "repairs"];
/** `feat(api)!: …`, as Conventional Commits write it. */
const TYPE = /^(\w+)(?:\([^)]*\))?!?:\s/;

/** What a commit is for, by its message. Without a type, the words of its subject decide. */
export function messageIntent(message: string): Intent {
  if (/\b(?:CVE-\d{4}-\d{3,}|GHSA(?:-[\da-z]{4}){3})\b/i.test(message)) return "security";
  const words = new Set(wordsOf(message));
  if (SECURITY_WORDS.some((word) => words.has(word))) return "security";
  const subject = message.trimStart().split("\n", 1)[0] ?? "";
  const type = TYPE.exec(subject)?.[1]?.toLowerCase();
  if (type === undefined) {
    const subjectWords = new Set(wordsOf(subject));
    return FIX_WORDS.some((word) => subjectWords.has(word)) ? "fix" : "chore";
  }
  if (type === "sec") return "security";
  if (["fix", "bugfix", "hotfix", "revert"].includes(type)) return "fix";
  return ["feat", "feature", "perf"].includes(type) ? "feature" : "chore";
}

function gravest(intents: readonly Intent[]): Intent {
  return INTENTS.find((intent) => intents.includes(intent)) ?? "chore";
}

/**
 * Whether a manifest raises a version of something that runs with the derivative: that is how
 * most repairs of known holes arrive. What is only needed in development does not count, nor
 * does what is new.
 */
export function bumpsDependency(file: ChangedFile): boolean {
  const { path } = file;
  if (/(?:^|\/)package\.json$/.test(path)) return bumpsPackage(file);
  if (isRequirements(path)) {
    if (isForDevelopment(path.replace(/\.txt$/, ""))) return false;
    return bumpsLine(file, /^\s*([\w.-]+(?:\[[\w,.-]+\])?)\s*(?:==|~=|>=)\s*v?([\d][\w.]*)/);
  }
  if (/(?:^|\/)(?:pyproject|Cargo)\.toml$/.test(path)) {
    const [old, now] = [tomlDependencies(file.before), tomlDependencies(file.after)];
    if (old !== null && now !== null) {
      return [...now].some(([name, version]) => isRaised(old.get(name), version));
    }
    return bumpsLine(file, /^\s*"?([\w.-]+)"?\s*(?:=\s*"|[~=]=|[>^])[\s~^>=]*v?(\d[\w.]*)/);
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

/** `requirements.txt`, `requirements-web.txt`, `requirements/base.txt`, `constraints.txt`. */
function isRequirements(path: string): boolean {
  const [name = "", folder] = path.split("/").toReversed();
  if (!name.endsWith(".txt")) return false;
  return (
    folder === "requirements" ||
    name === "constraints.txt" ||
    name.startsWith("requirements") ||
    /[._-]requirements\.txt$/.test(name)
  );
}

const DEVELOPMENT: ReadonlySet<string> = new Set(
  "dev develop development test tests testing lint linting docs doc build typing types ci".split(
    " ",
  ),
);

/** Whether a file or a group of dependencies is for those who work on the project. */
function isForDevelopment(name: string): boolean {
  return wordsOf(name.slice(Math.max(0, name.length - 200))).some((word) => DEVELOPMENT.has(word));
}

/** `requests[socks] >= 2.31`, as Python's packaging writes a dependency. */
const PYTHON = /^([\w.-]+)(?:\[[\w,. -]*\])?\s*(?:==|~=|>=|\^)\s*v?(\d[\w.]*)/;

/**
 * What runs with a project of Python or Rust, by group and name with its version. Null where it
 * does not parse.
 */
function tomlDependencies(text: string | null): Map<string, string> | null {
  const document = text === null ? null : readToml(text);
  if (!isRecord(document)) return null;
  const found = new Map<string, string>();
  const list = (group: string, given: unknown): void => {
    for (const one of Array.isArray(given) ? given : []) {
      const [, name, version] = (typeof one === "string" ? PYTHON.exec(one) : null) ?? [];
      if (name !== undefined && version !== undefined) found.set(`${group} ${name}`, version);
    }
  };
  const table = (group: string, given: unknown): void => {
    for (const [name, value] of isRecord(given) ? Object.entries(given) : []) {
      const version = isRecord(value) ? value["version"] : value;
      const isDependency = typeof version === "string" && !NO_DEPENDENCIES.has(name);
      if (isDependency) found.set(`${group} ${name}`, version);
    }
  };
  const [project, tool] = [recordOf(document["project"]), recordOf(document["tool"])];
  list("project", project["dependencies"]);
  for (const [group, given] of Object.entries(recordOf(project["optional-dependencies"]))) {
    if (!isForDevelopment(group)) list(group, given);
  }
  const poetry = recordOf(tool["poetry"]);
  table("poetry", poetry["dependencies"]);
  for (const [group, given] of Object.entries(recordOf(poetry["group"]))) {
    if (!isForDevelopment(group)) table(group, recordOf(given)["dependencies"]);
  }
  table("cargo", document["dependencies"]);
  table("workspace", recordOf(document["workspace"])["dependencies"]);
  return found;
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : {};
}

/** Versions of the project itself, and of the languages that it is for. */
const NO_DEPENDENCIES: ReadonlySet<string> = new Set([
  "version",
  "minversion",
  "edition",
  "rust-version",
  "python",
  "python_version",
  "python-version",
  "requires-python",
  "target-version",
]);

function bumpsLine({ added, removed }: Pick<ChangedFile, "added" | "removed">, pattern: RegExp) {
  const versionsIn = (lines: ChangedFile["added"]) =>
    new Map(
      lines.flatMap(({ text }) => {
        const [, name, version] = pattern.exec(text) ?? [];
        return name === undefined || version === undefined || NO_DEPENDENCIES.has(name)
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

/** What a package.json holds; nothing where it is no JSON object. */
function manifestIn(text: string): Readonly<Record<string, unknown>> {
  try {
    const parsed = parseJsonText(text);
    return isRecord(parsed) ? parsed : {};
  } catch {
    return {};
  }
}

const SECRET_WORDS = ["secret", "secrets", "password", "passwd", "credential", "credentials"];
const SECRET_PAIRS = [
  ["api", "key"],
  ["private", "key"],
  ["access", "token"],
  ["auth", "token"],
];
/** A name and a literal of some length: `DB_PASSWORD = "hunter2!"`. */
const LITERAL = /[:=]\s*["']([^"'${}<>\s]+)["']/g;
const LITERAL_CHARS_MIN = 6;
const ENV_LITERAL = /^\s*(?:ENV\s+|export\s+)?([A-Za-z_]\w*)=([^\s"'${}<>]{6,})\s*$/;
const IGNORED_SECRETS = /(?:^|\/)\*?\.?(?:env|pem|key|p12|npmrc|netrc|htpasswd)(?:[.*]|$)/;

/**
 * Whether a change takes better care of secrets: one that stood in the file goes, a build gets
 * it by a mount, files that hold some are ignored.
 */
export function handlesSecrets({ path, added, removed }: ChangedFile): boolean {
  const came = added.map(({ text }) => text);
  const gone = removed.map(({ text }) => text);
  if (gone.some(isHardCoded) && !came.some(isHardCoded)) return true;
  if (came.some((text) => /--mount=type=secret\b/.test(text))) return true;
  const isIgnoreFile = /(?:^|\/)\.(?:git|docker|npm)ignore$/.test(path);
  return isIgnoreFile && came.some((text) => IGNORED_SECRETS.test(text.trim()));
}

/** A variable of an environment in YAML: `API_KEY: abcdef`, `- API_KEY=abcdef`. */
const YAML_LITERAL = /^\s*(?:-\s+)?([A-Z][A-Z0-9_]*)(?::\s{1,8}|=)[^\s"'${}<>#]{6,}\s*$/;

function isHardCoded(line: string): boolean {
  const name = literalName(line) ?? (ENV_LITERAL.exec(line) ?? YAML_LITERAL.exec(line))?.[1];
  if (name === undefined) return false;
  const words = new Set(wordsOf(name));
  return (
    SECRET_WORDS.some((word) => words.has(word)) ||
    SECRET_PAIRS.some((pair) => pair.every((word) => words.has(word)))
  );
}

/** The name that a literal is given to: what stands before the sign, perhaps in quotes. */
function literalName(line: string): string | undefined {
  LITERAL.lastIndex = 0;
  for (let found = LITERAL.exec(line); found !== null; found = LITERAL.exec(line)) {
    // What is none may begin within.
    LITERAL.lastIndex = found.index + 1;
    if ((found[1] ?? "").length < LITERAL_CHARS_MIN) continue;
    let end = found.index;
    while (end > 0 && /\s/.test(line.charAt(end - 1))) end--;
    if (/["']/.test(line.charAt(end - 1))) end--;
    let start = end;
    while (start > 0 && /[\w-]/.test(line.charAt(start - 1))) start--;
    if (start < end) return line.slice(start, end);
  }
  return undefined;
}

import { isCode, isCompose, isDockerfile, isEnvFile, isKubernetes, isShell } from "./file-kinds.ts";
import type { Side } from "./sides.ts";

/** An environment variable that a line of a provider reads or sets. */
export type EnvKey = {
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
  const read = readerFor(path);
  if (read === null) return [];
  return side.lines.flatMap(({ text, line }, index) =>
    read(text, side.lines[index + 1]?.text ?? "")
      .filter(({ name }) => name.length <= NAME_CHARS_MAX && !EVERYWHERE.has(name))
      .map((key) => ({ ...key, file: path, line })),
  );
}

type Read = Omit<EnvKey, "file" | "line">;
type Reader = (text: string, next: string) => Read[];

function readerFor(path: string): Reader | null {
  if (isEnvFile(path)) return (text) => assignments(text, ENV_LINE);
  if (isCode(path)) return codeKeys;
  if (isShell(path)) return substitutions;
  if (isDockerfile(path)) return (text) => assignments(text, DOCKER_ENV);
  if (isCompose(path)) return (text) => [...substitutions(text), ...composeKeys(text)];
  return isKubernetes(path) ? kubernetesKeys : null;
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

function codeKeys(text: string): Read[] {
  if (/^\s*(?:#|\/\/|\*)/.test(text)) return [];
  const isTested = /^\s*(?:if|(?:\}\s*)?else if)\b|[!]process\.env/.test(text);
  return [
    ...[...text.matchAll(NODE_ENV)].map(([, name = "", otherwise, value]) => ({
      name,
      value: value === undefined || value === "" ? null : value,
      isOptional: isTested || otherwise !== undefined,
    })),
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

/** `- name: NAME`, with a value or a reference on the line below. */
const KUBERNETES = new RegExp(`^\\s*-\\s*name:\\s*["']?${NAME}["']?\\s*$`);

function kubernetesKeys(text: string, next: string): Read[] {
  const name = KUBERNETES.exec(text)?.[1];
  if (name === undefined || !/^\s*value(?:From)?\s*:/.test(next)) return [];
  const value = /^\s*value:\s*["']?([^"']*)/.exec(next)?.[1]?.trim();
  return [{ name, value: value ?? null, isOptional: value !== undefined && value !== "" }];
}

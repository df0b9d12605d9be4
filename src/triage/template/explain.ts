import { counted } from "../../index.ts";
import type { ChangedFile } from "../facts/change-set.ts";
import { isCode, isData, isDockerfile, isEnvFile, isScript, isShell } from "../facts/file-kinds.ts";
import { TEMPLATE_LIMITS } from "../facts/limits.ts";
import { displayText } from "../facts/result.ts";
import { readDocument, readToml } from "../reading/read-document.ts";
import { outlineKeys, scriptKeys } from "./code-keys.ts";
import { flatten, HIDDEN, isSecretName, KEYS_MAX, type KeyedValues } from "./keyed-values.ts";
import {
  iniKeys,
  listKeys,
  makeKeys,
  patternKeys,
  requirementKeys,
  wordKeys,
} from "./line-keys.ts";

const VALUE_MAX = 80;

/** What a change does to a file, and why that is not told. */
export type Explained = { readonly changes: readonly string[]; readonly leftOut: string | null };

/**
 * What a change does to a file, by key where its format is known: a Dockerfile, a file of
 * variables, YAML, JSON, TOML, INI, a Makefile, lists, and code by what it declares. Of any other
 * file no more than that it is new or gone, and how many lines came and went.
 */
export function explain(file: ChangedFile): Explained {
  const { path, before, after } = file;
  const { explainedTextMax } = TEMPLATE_LIMITS;
  const read = readerOf(path);
  const sides = before !== null && after !== null ? { before, after } : sidesOfDiff(file);
  if (read === null || sides === null) return coarse(file);
  if (Math.max(sides.before.length, sides.after.length) > explainedTextMax) {
    const leftOut = `it has more than ${explainedTextMax} characters`;
    return { ...coarse(file), leftOut };
  }
  const [old, now] = [sides.before, sides.after].map((text) => {
    const found = read(text);
    return found instanceof Map ? concealed(found) : found;
  });
  if (old == null || now == null) return coarse(file);
  for (const side of [old, now]) {
    if ("leftOut" in side) return { ...coarse(file), leftOut: `it ${side.leftOut}` };
  }
  if (!(old instanceof Map && now instanceof Map)) return coarse(file);
  const lines = differences(old, now);
  if (lines.length > 0) return bounded(lines);
  const isCut = Math.max(old.size, now.size) >= KEYS_MAX;
  return isCut || sides.before === sides.after ? coarse(file) : SAME_VALUES;
}

/** What is no secret by whatever name: a reference to one, a right, a switch. */
const NO_SECRET = /^(?:\s*|\$.*|read|write|none|true|false|null|inherit|\d{1,5})$/s;

/** The values without those that may be secrets by the last part of their key. */
function concealed(keys: KeyedValues): KeyedValues {
  return new Map(
    [...keys].map(([key, value]) => {
      const name = key.slice(
        Math.max(key.lastIndexOf("."), key.lastIndexOf("["), key.lastIndexOf(" ")) + 1,
      );
      const isSecret = isSecretName(name) && !value.startsWith(HIDDEN) && !NO_SECRET.test(value);
      return [key, isSecret ? HIDDEN + value : value];
    }),
  );
}

/** Of a Dockerfile, whose lines speak for themselves, the lines of a diff are enough. */
function sidesOfDiff({ path, added, removed, before, after, changeType }: ChangedFile) {
  const isDiff = before === null && after === null && changeType === "modified";
  if (!isDiff || !isDockerfile(path)) return null;
  return { before: textOfLines(removed), after: textOfLines(added) };
}

function textOfLines(lines: ChangedFile["added"]): string {
  return lines.map(({ text }) => text).join("\n");
}

/** What is to be said of any change: the patch has the rest. */
function coarse({ changeType, added, removed }: ChangedFile): Explained {
  const lines = [
    ...(added.length > 0 ? [`${counted(added.length, "line")} added`] : []),
    ...(removed.length > 0 ? [`${counted(removed.length, "line")} removed`] : []),
  ];
  const said = lines.length > 0 ? [lines.join(", ")] : [];
  const told = { added: ["new file"], deleted: ["file removed"], modified: said, renamed: said };
  return { changes: told[changeType], leftOut: null };
}

/** Of a file whose values are all the same: what differs is how they are written. */
const SAME_VALUES: Explained = {
  changes: ["no value differs: order, comments or layout alone"],
  leftOut: null,
};

/** What explains a file, the same for all. For a process of its own: see read-files.ts. */
export function makeExplain(): typeof explain {
  return explain;
}

/** Each once: the stages of a Dockerfile often change alike. */
function bounded(lines: readonly string[]): Explained {
  const { explanationsMax } = TEMPLATE_LIMITS;
  const unique = [...new Set(lines)];
  const kept = unique.slice(0, explanationsMax);
  const left = unique.length - kept.length;
  return { changes: left > 0 ? [...kept, `… and ${left} more`] : kept, leftOut: null };
}

type Reader = (text: string) => KeyedValues | { readonly leftOut: string } | null;

/** The last part of a path, as tools look for it. */
const BY_NAME: readonly (readonly [pattern: RegExp, read: Reader])[] = [
  [/^(?:GNU)?Makefile$|\.mk$|^\.?justfile$/i, makeKeys],
  [/^\.gitattributes$|^CODEOWNERS$|^\.tool-versions$|^go\.mod$/, listKeys],
  [/^\.[\w.-]*ignore$|^\.browserslistrc$/, patternKeys],
  [/^(?:requirements|constraints)[\w.-]*\.txt$/i, requirementKeys],
  [/^\.(?:nvmrc|node-version|python-version|ruby-version|java-version)$/, wordKeys],
  [/^\.(?:editorconfig|npmrc|flake8|pylintrc|coveragerc|gitmodules|gitconfig|pypirc)$/, iniKeys],
  [/^Procfile$|\.(?:ini|cfg|conf|properties|service|timer|socket)$/i, iniKeys],
  [/^Pipfile$|\.toml$/i, tomlKeys],
];

function readerOf(path: string): Reader | null {
  if (isDockerfile(path)) return dockerfileKeys;
  if (isEnvFile(path)) return variableKeys;
  if (isData(path) && /\.(?:json|ya?ml)$/i.test(path)) return documentKeys;
  const name = path.slice(path.lastIndexOf("/") + 1);
  const known = BY_NAME.find(([pattern]) => pattern.test(name));
  if (known !== undefined) return known[1];
  if (isScript(path)) return (text) => scriptKeys(text, path);
  return (isCode(path) && !/\.(?:vue|svelte)$/i.test(path)) || isShell(path) ? outlineKeys : null;
}

/** Variables, and that their values differ: what they hold may be a secret. */
function variableKeys(text: string): KeyedValues {
  const found = [...text.matchAll(/^[ \t]*(?:export[ \t]+)?([A-Za-z_]\w*)[ \t]*=(.*)$/gm)];
  return new Map(found.map(([, name = "", value = ""]) => [name, `${HIDDEN}${value}`]));
}

/** First what changed, then what came, then what went. */
function differences(old: KeyedValues, now: KeyedValues): string[] {
  const changed = [...now].flatMap(([key, value]) => {
    const before = old.get(key);
    return before === undefined || before === value ? [] : [changeOf(key, before, value)];
  });
  const came = only(now, old, "added");
  const gone = only(old, now, "removed");
  return [...changed, ...came, ...gone];
}

function only(left: KeyedValues, right: KeyedValues, verb: string): string[] {
  return [...left]
    .filter(([key]) => !right.has(key))
    .map(([key, value]) => verbed(key, verb, value));
}

function changeOf(key: string, before: string, after: string): string {
  if ([before, after].some((value) => value.startsWith(HIDDEN))) return verbed(key, "changed");
  const change = `${displayText(before, VALUE_MAX)} → ${displayText(after, VALUE_MAX)}`;
  // The image tells by itself what it is.
  return /^FROM \d+/.test(key) ? change : `${displayText(key, VALUE_MAX)}: ${change}`;
}

function verbed(key: string, verb: string, value = ""): string {
  const shown = /^FROM \d+/.test(key) ? `FROM ${value}` : key;
  return `${displayText(shown, VALUE_MAX)} ${verb}`;
}

/**
 * The values of a JSON or YAML document by where they stand: `services.app.image`. Items of a
 * list that have a name or an action stand under it, other items for themselves. Null: it
 * does not parse. Or why it was left out.
 */
function documentKeys(text: string): KeyedValues | { readonly leftOut: string } | null {
  const plain = /^\s*(?:\{|\/[/*])/.test(text) ? plainJson(text) : text;
  const document = readDocument(plain.replace(LARGE_NUMBER, '"$&"'));
  if (document === null || "leftOut" in document) return document;
  const keys = new Map<string, string>();
  flatten(document.value, "", { keys, depth: 0 });
  return keys;
}

function tomlKeys(text: string): KeyedValues | null {
  const value = readToml(text);
  if (value === null) return null;
  const keys = new Map<string, string>();
  flatten(value, "", { keys, depth: 0 });
  return new Map([...keys].map(([key, one]) => [key, isSecretName(key) ? HIDDEN + one : one]));
}

/** An integer of JSON or YAML that a number would round; as text it stays what it is. */
// unproven pattern -- digits have a bound, and blanks are read once behind each number
const LARGE_NUMBER = /(?<=[:[,]\s?|-\s)-?\d{16,400}(?=[ \t]*(?:[,}\]\r\n]|$))/g;

/**
 * JSON without the comments and the commas before a closing bracket that settings of tools may
 * have. A text that is YAML stays one: its comments begin otherwise.
 */
function plainJson(text: string): string {
  const pieces = text.match(JSON_PIECES) ?? [];
  const kept = pieces.filter((piece) => !/^\/[/*]/.test(piece));
  const isBeforeEnd = (index: number): boolean => {
    let next = index + 1;
    while (kept[next]?.trim() === "") next++;
    return /^[}\]]/.test(kept[next] ?? "");
  };
  return kept.filter((piece, index) => piece !== "," || !isBeforeEnd(index)).join("");
}

/** Strings, comments, blanks, and what is between them. */
const JSON_PIECES =
  /"(?:[^"\\\n]|\\.)*"|\/\/[^\n]*|\/\*[^*]*\*+(?:[^/*][^*]*\*+)*\/|\s+|[^\s"/]|["/]/g;

/** Instructions of which the last one counts, in a stage. */
const SINGLE = [
  "HEALTHCHECK",
  "USER",
  "WORKDIR",
  "CMD",
  "ENTRYPOINT",
  "STOPSIGNAL",
  "SHELL",
  "MAINTAINER",
];

/**
 * Instructions of a Dockerfile by key: `FROM 1`, `ENV PORT`, `EXPOSE 8080`, `HEALTHCHECK`. In
 * a later stage the key says so. RUN and COPY are known by what they do.
 */
export function dockerfileKeys(text: string): KeyedValues {
  const keys = new Map<string, string>();
  let stage = 0;
  for (const { name, rest } of instructionsIn(text)) {
    if (name === "FROM") stage++;
    const suffix = stage > 1 ? ` (stage ${stage})` : "";
    for (const [key, value] of keyed(name, rest, stage)) keys.set(`${key}${suffix}`, value);
  }
  return keys;
}

type Instruction = { readonly name: string; readonly rest: string };

/** Lines put together that a backslash continues, or that are the text of an instruction. */
function instructionsIn(text: string): Instruction[] {
  const joined: string[] = [];
  let open = "";
  /** The words that end the texts which the last instruction has begun. */
  let ends: string[] = [];
  for (const line of text.split(/\r?\n/)) {
    const end = ends[0];
    if (end !== undefined) {
      joined.push(`${joined.pop() ?? ""} ${line.trim()}`);
      if (line.trim() === end) ends = ends.slice(1);
      continue;
    }
    if (/^\s*(?:#|$)/.test(line)) continue;
    const isContinued = /\\\s*$/.test(line);
    open += isContinued ? `${line.replace(/\\\s*$/, "").trim()} ` : line.trim();
    if (isContinued) continue;
    joined.push(open);
    if (/^(?:RUN|COPY|ADD)\s/i.test(open)) {
      ends = [...open.matchAll(/<<-?["']?(\w+)/g)].map(([, word = ""]) => word);
    }
    open = "";
  }
  if (open !== "") joined.push(open);
  return joined.flatMap((line) => {
    const [, name, rest = ""] = /^([A-Za-z]+)\s+(.*)$/s.exec(line) ?? [];
    return name === undefined ? [] : [{ name: name.toUpperCase(), rest: rest.trim() }];
  });
}

function keyed(name: string, rest: string, stage: number): [string, string][] {
  if (name === "FROM") {
    const image = rest.split(/\s+/).find((word) => !word.startsWith("--")) ?? rest;
    return [[`FROM ${stage}`, image]];
  }
  if (name === "ENV" || name === "ARG" || name === "LABEL") return assignments(name, rest);
  if (name === "EXPOSE") return rest.split(/\s+/).map((port) => [`EXPOSE ${port}`, ""]);
  if (SINGLE.includes(name)) return [[name, rest]];
  return [[`${name} ${rest}`, ""]];
}

function assignments(name: string, rest: string): [string, string][] {
  const pairs = pairsIn(rest);
  if (pairs.length > 0) return pairs.map(([key, value]) => [`${name} ${key}`, value]);
  const [key = "", ...value] = rest.split(/\s+/);
  return [[`${name} ${key}`, value.join(" ")]];
}

const KEY_CHARACTER = /[\w.-]/;
const VALUE = /"(?:[^"\\]|\\.)*"|\S*/y;

/** `A=1 B="two words"`. */
function pairsIn(text: string): [string, string][] {
  const pairs: [string, string][] = [];
  let from = 0;
  for (;;) {
    const equals = text.indexOf("=", from);
    if (equals === -1) return pairs;
    let start = equals;
    while (start > from && KEY_CHARACTER.test(text.charAt(start - 1))) start--;
    from = equals + 1;
    if (start === equals) continue;
    VALUE.lastIndex = from;
    const value = VALUE.exec(text)?.[0] ?? "";
    pairs.push([text.slice(start, equals), value]);
    from += value.length;
  }
}

/** What a Dockerfile says, by a key for each instruction. */
export type KeyedValues = ReadonlyMap<string, string>;

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

/** Lines put together that a backslash continues, without comments. */
function instructionsIn(text: string): Instruction[] {
  const lines = text.split(/\r?\n/).filter((line) => !/^\s*(?:#|$)/.test(line));
  const joined: string[] = [];
  let open = "";
  for (const line of lines) {
    const isContinued = /\\\s*$/.test(line);
    open += isContinued ? `${line.replace(/\\\s*$/, "").trim()} ` : line.trim();
    if (isContinued) continue;
    joined.push(open);
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

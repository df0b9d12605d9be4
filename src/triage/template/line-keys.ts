/** Files that say one thing a line: INI and its like, Makefiles, lists of patterns, packages. */
import { HIDDEN, isSecretName, type KeyedValues } from "./keyed-values.ts";

/**
 * Keys and values in sections, by both: `[*.js] indent_size`. Null for what is not all such lines,
 * as a `.conf` of nginx.
 */
export function iniKeys(text: string): KeyedValues | null {
  const keys = new Map<string, string>();
  let section = "";
  let last: string | null = null;
  for (const line of text.split(/\r?\n/)) {
    const said = line.trim();
    if (said === "" || /^[#;!]/.test(said)) continue;
    if (said.startsWith("[") && said.endsWith("]")) {
      section = `${said} `;
      last = null;
      continue;
    }
    const known = last === null ? undefined : keys.get(last);
    if (/^\s/.test(line) && last !== null && known !== undefined) {
      keys.set(last, `${known} ${said}`.trim());
      continue;
    }
    const at = said.search(/=|:(?=\s|$)/);
    if (at < 1) return null;
    const name = said.slice(0, at).trim();
    const value = said.slice(at + 1).trim();
    last = `${section}${name}`;
    const before = keys.get(last);
    const shown = isSecretName(name) ? `${HIDDEN}${value}` : value;
    keys.set(last, before === undefined ? shown : `${before}, ${value}`);
  }
  return keys;
}

/** A line a thing, known by its first word: `*.sh text eol=lf`, `nodejs 20.1.0`, `dist/`. */
export function listKeys(text: string): KeyedValues {
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const said = lines.filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    said.map((line) => {
      const end = line.search(/\s/);
      return end === -1 ? [line, ""] : [line.slice(0, end), line.slice(end).trim()];
    }),
  );
}

/** Lines of patterns, a blank in one being its own. */
export function patternKeys(text: string): KeyedValues {
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  return new Map(
    lines.filter((line) => line !== "" && !line.startsWith("#")).map((line) => [line, ""]),
  );
}

/** `requests[socks]==2.31 ; python_version > "3.8"`, by the package. */
export function requirementKeys(text: string): KeyedValues {
  const lines = text.split(/\r?\n/).map((line) => (line.split(" #", 1)[0] ?? "").trim());
  const said = lines.filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    said.map((line) => {
      const [name = ""] = line.startsWith("-") ? [] : (/^[\w.-]+(?:\[[^\]]*\])?/.exec(line) ?? []);
      return name === "" ? [line, ""] : [name, line.slice(name.length).trim()];
    }),
  );
}

/** All that a file says, where it is one version or one word. */
export function wordKeys(text: string): KeyedValues | null {
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const said = lines.filter((line) => line !== "" && !line.startsWith("#"));
  return said.length === 1 && said[0] !== undefined ? new Map([["version", said[0]]]) : null;
}

/** A rule, or what sets a variable. */
const RULE = /^([^\s:=#][^:=#]*?)(::?=|\?=|\+=|!=|=|::?)(.*)$/;

/** Variables and targets of a Makefile or a justfile, and the lines of each recipe. */
export function makeKeys(text: string): KeyedValues {
  const keys = new Map<string, string>();
  let target = "";
  for (const line of joinedLines(text)) {
    const said = line.trim();
    if (said === "" || said.startsWith("#")) continue;
    const isRecipe = /^[ \t]/.test(line) && target !== "";
    if (isRecipe) {
      keys.set(`${target}: ${said.replace(/\s+/g, " ")}`, "");
      continue;
    }
    const [, given = "", sign = "", value = ""] = RULE.exec(said) ?? [];
    const name = given.trim();
    if (sign.startsWith(":") && !sign.endsWith("=")) {
      target = name;
      keys.set(name, value.trim());
    } else if (sign !== "") {
      target = "";
      const key = sign === "+=" ? `${name} +=` : name;
      keys.set(key, isSecretName(name) ? `${HIDDEN}${value}` : value.trim());
    } else keys.set(said, "");
  }
  return keys;
}

/** Lines put together that a backslash continues. */
function joinedLines(text: string): string[] {
  const joined: string[] = [];
  let open = "";
  for (const line of text.split(/\r?\n/)) {
    if (line.endsWith("\\"))
      open += `${open === "" ? line.slice(0, -1) : line.slice(0, -1).trim()} `;
    else {
      joined.push(open === "" ? line : `${open}${line.trim()}`);
      open = "";
    }
  }
  return open === "" ? joined : [...joined, open];
}

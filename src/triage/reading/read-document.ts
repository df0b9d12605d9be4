import { parse as parseToml } from "smol-toml";
import { Composer, type Document, isAlias, isMap, isScalar, isSeq, type Node, Parser } from "yaml";
import { isRecord } from "../../index.ts";
import { parseJsonText } from "../facts/json-text.ts";
import { LIMITS } from "../facts/limits.ts";

/** What a text of JSON or YAML holds, or why nobody has looked. */
type ReadDocument = { readonly value: unknown } | { readonly leftOut: string };

/**
 * Read a text of JSON or YAML that a stranger wrote. Null where it is neither. It is left out
 * where it is too long, nested too deeply or unfolds to too much: the parser of YAML goes down by
 * calls, asks each key of a map whether it is like each other, and makes a text of a key that is a
 * map by making one of each map within, so that 1,200 characters took it 97 s.
 */
export function readDocument(text: string): ReadDocument | null {
  if (text.length > LIMITS.documentCharsMax) {
    return leftOut(`has more than ${LIMITS.documentCharsMax} characters`);
  }
  try {
    const value = text.trimStart().startsWith("{") ? jsonIn(text) : NO_JSON;
    return { value: value === NO_JSON ? yamlIn(text) : within(value) };
  } catch (error) {
    if (error instanceof LeftOutError) return leftOut(error.message);
    return null; // no document: its lines are compared, as those of any file
  }
}

/** What a stranger's text of TOML holds; null where it is none, or is nested too deeply. */
export function readToml(text: string): Readonly<Record<string, unknown>> | null {
  if (text.length > LIMITS.documentCharsMax) return null;
  try {
    return parseToml(text, { maxDepth: LIMITS.documentDepthMax, integersAsBigInt: "asNeeded" });
  } catch {
    return null;
  }
}

function leftOut(why: string): ReadDocument {
  return { leftOut: why };
}

class LeftOutError extends Error {
  override readonly name = "LeftOutError";
}

const TOO_DEEP = `is nested more than ${LIMITS.documentDepthMax} deep`;
const TOO_LARGE = `holds, with its aliases unfolded, more than ${LIMITS.documentNodesMax} values`;

const NO_JSON = Symbol("no JSON");

function jsonIn(text: string): unknown {
  try {
    return parseJsonText(text);
  } catch {
    return NO_JSON; // braces are YAML as well
  }
}

/** The value, if it is within the limits. Goes down without calls. */
function within(value: unknown): unknown {
  const open: { readonly node: unknown; readonly depth: number }[] = [{ node: value, depth: 0 }];
  let count = 0;
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { node, depth } = next;
    if (++count > LIMITS.documentNodesMax) throw new LeftOutError(TOO_LARGE);
    if (depth > LIMITS.documentDepthMax) throw new LeftOutError(TOO_DEEP);
    const inner = Array.isArray(node) ? node : isRecord(node) ? Object.values(node) : [];
    for (const one of inner) open.push({ node: one, depth: depth + 1 });
  }
  return value;
}

function yamlIn(text: string): unknown {
  const tokens = [...new Parser().parse(text)];
  checkDepth(tokens);
  // Whether keys are unique is asked below: the parser asks each of each.
  const composer = new Composer({ uniqueKeys: false, logLevel: "silent" });
  const documents = composer.compose(tokens, true, text.length);
  const { value: document } = documents.next();
  const more = documents.next();
  if (document === undefined || document.errors.length > 0 || more.done !== true) {
    throw new SyntaxError("expected one document of YAML");
  }
  return new Converter(document).value();
}

/** What the parser of tokens has found, which it finds without going down by calls. */
function checkDepth(tokens: readonly unknown[]): void {
  const open = tokens.map((token) => ({ token, depth: 0 }));
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { token, depth } = next;
    if (depth > 2 * LIMITS.documentDepthMax) throw new LeftOutError(TOO_DEEP);
    if (!isRecord(token)) continue;
    const { value, items } = token;
    if (token["type"] === "document") open.push({ token: value, depth });
    for (const item of Array.isArray(items) ? items : []) {
      if (!isRecord(item)) continue;
      open.push({ token: item["key"], depth: depth + 1 });
      open.push({ token: item["value"], depth: depth + 1 });
    }
  }
}

/** Makes plain values of nodes. An alias is the value of its anchor, and counts as all of it. */
class Converter {
  readonly #document: Document;
  readonly #anchored = new Map<string, { value: unknown; count: number } | null>();
  #count = 0;

  constructor(document: Document) {
    this.#document = document;
  }

  value(): unknown {
    return this.#valueOf(this.#document.contents, 0);
  }

  #valueOf(node: unknown, depth: number): unknown {
    this.#counted(1);
    if (depth > LIMITS.documentDepthMax) throw new LeftOutError(TOO_DEEP);
    if (isAlias(node)) {
      const target = this.#anchored.get(node.source);
      // Within what it stands for, or of nothing.
      if (target == null) throw new SyntaxError("expected an alias of something before it");
      this.#counted(target.count);
      return target.value;
    }
    const anchor = anchorOf(node);
    const before = this.#count;
    if (anchor !== undefined) this.#anchored.set(anchor, null);
    const value = this.#plain(node, depth);
    if (anchor !== undefined) this.#anchored.set(anchor, { value, count: this.#count - before });
    return value;
  }

  #counted(count: number): void {
    this.#count += count;
    if (this.#count > LIMITS.documentNodesMax) throw new LeftOutError(TOO_LARGE);
  }

  #plain(node: unknown, depth: number): unknown {
    if (isScalar(node)) return node.value;
    if (isSeq(node)) return node.items.map((item) => this.#valueOf(item, depth + 1));
    if (!isMap(node)) return null;
    const entries = new Map<string, unknown>();
    for (const { key, value } of node.items) {
      const name = this.#valueOf(key, depth + 1);
      const text = typeof name === "string" ? name : name == null ? "" : JSON.stringify(name);
      if (entries.has(text)) throw new SyntaxError("expected each key once");
      entries.set(text, this.#valueOf(value, depth + 1));
    }
    return Object.fromEntries(entries);
  }
}

function anchorOf(node: unknown): string | undefined {
  return (isScalar(node) || isSeq(node) || isMap(node)) && !isAlias(node)
    ? (node as Node & { anchor?: string }).anchor
    : undefined;
}

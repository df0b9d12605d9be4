// Paths that a consumer spells out, and whether they ask for a route. A wall: pure scanners with
// tests of their own.
import { EVERYTHING_BELOW, segmentsOf } from "../facts/service.ts";

/** A path that a line of a consumer spells out. */
export type LiteralPath = {
  /** As it is written. */
  readonly text: string;
  /** Placeholders are "*". */
  readonly segments: readonly string[];
  /** Whether something stands before it: a host, or a variable that may hold a base path. */
  readonly hasBase: boolean;
  /** Whether it ends with a slash or an expression follows, so that one segment may follow. */
  readonly isOpen: boolean;
};

const BARE_URL = /\bhttps?:\/\/[^\s"'`,)\]]+/g;

/** The paths in the strings of a line, and in the URLs that stand without quotes. */
export function literalPathsIn(text: string): LiteralPath[] {
  if (!text.includes("/")) return [];
  const quoted = quotedIn(text);
  const urls = [...text.matchAll(BARE_URL)].map(([url]) => url);
  return [...new Set([...quoted, ...urls])].map(literalPath).filter((path) => path !== null);
}

/** A path that stands by itself or in a URL; null where a text is none. */
export function literalPath(literal: string): LiteralPath | null {
  // `${base}` and `{base}` of templates; a format's `%s` and `{}` as well.
  const plain = literal.replaceAll(/\$?\{[^{}]*\}|%[sd]/g, "*");
  const rest = plain.replace(/^[a-z]+:\/\/[^/]*/i, "").replace(/^\*+/, "");
  const hasBase = rest !== plain;
  if (!rest.startsWith("/") || /\s/.test(rest)) return null;
  const path = rest.split(/[?#]/, 1)[0] ?? "";
  return {
    text: literal,
    segments: segmentsOf(path),
    hasBase,
    isOpen: path.endsWith("/") && path !== "/",
  };
}

/**
 * Whether a literal asks for a route. A literal with a base may leave out what the base path
 * of the service already says; a placeholder of the literal meets only one of the route.
 */
export function asksFor(
  literal: LiteralPath,
  route: readonly string[],
  basePaths: readonly (readonly string[])[],
): boolean {
  if (route.at(-1) === EVERYTHING_BELOW) return isBelow(literal, route.slice(0, -1));
  const wanted = [route, ...basePaths.flatMap((base) => withoutBase(route, base))];
  return wanted.some((segments) => fitsRoute(literal, segments));
}

/** Whether the query that is written behind a path gives a parameter: `/search?q=${text}`. */
export function hasParameter({ text }: LiteralPath, name: string): boolean {
  const query = text.slice(text.indexOf("?") + 1);
  return text.includes("?") && query.split(/[&?]/).some((part) => part.split("=", 1)[0] === name);
}

/** A path below the prefix, or an address that ends with it: others are added there. */
function isBelow({ segments, hasBase, isOpen }: LiteralPath, prefix: readonly string[]): boolean {
  return (
    segments.length + (hasBase || isOpen ? 1 : 0) > prefix.length &&
    prefix.every((segment, index) => segment === "*" || segment === segments[index])
  );
}

/** The route as it looks behind a base path; nothing if it is not below it. */
function withoutBase(route: readonly string[], base: readonly string[]): (readonly string[])[] {
  if (base.length === 0 || base.length >= route.length) return [];
  return base.every((segment, index) => segment === route[index]) ? [route.slice(base.length)] : [];
}

function fitsRoute({ segments, isOpen }: LiteralPath, route: readonly string[]): boolean {
  const literal = isOpen && segments.length === route.length - 1 ? [...segments, "*"] : segments;
  if (literal.length !== route.length) return false;
  const same = literal.every((segment, index) => route[index] === "*" || route[index] === segment);
  return same && (route.length === 0 || route.some((segment) => segment !== "*"));
}

const QUOTE = /["'`]/g;

/**
 * What stands in the quotes of a line, from the left. A backslash takes the character behind it
 * along. A quote without a second one is a character like others.
 */
export function quotedIn(text: string): string[] {
  const found: string[] = [];
  /** Quotes that nothing closes from here on: from a later location nothing does either. */
  const open = new Set<string>();
  let from = 0;
  for (;;) {
    QUOTE.lastIndex = from;
    const start = QUOTE.exec(text);
    if (start === null) return found;
    const quote = start[0];
    const end = open.has(quote) ? -1 : closing(text, quote, start.index + 1);
    if (end === -1) {
      open.add(quote);
      from = start.index + 1;
    } else {
      found.push(text.slice(start.index + 1, end));
      from = end + 1;
    }
  }
}

function closing(text: string, quote: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === quote) return at;
    if (character === "\\") at++;
  }
  return -1;
}

import { segmentsOf } from "../change/route.ts";
import { quotedIn } from "./quoted-in.ts";

/** A path that a line of a consumer spells out. */
export type LiteralPath = {
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

function literalPath(literal: string): LiteralPath | null {
  // `${base}` and `{base}` of templates; a format's `%s` and `{}` as well.
  const plain = literal.replaceAll(/\$?\{[^{}]*\}|%[sd]/g, "*");
  const rest = plain.replace(/^[a-z]+:\/\/[^/]*/i, "").replace(/^\*+/, "");
  const hasBase = rest !== plain;
  if (!rest.startsWith("/") || /\s/.test(rest)) return null;
  const path = rest.split(/[?#]/, 1)[0] ?? "";
  return { segments: segmentsOf(path), hasBase, isOpen: path.endsWith("/") && path !== "/" };
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
  const wanted = [route, ...basePaths.flatMap((base) => withoutBase(route, base))];
  return wanted.some((segments) => matches(literal, segments));
}

/** The route as it looks behind a base path; nothing if it is not below it. */
function withoutBase(route: readonly string[], base: readonly string[]): (readonly string[])[] {
  if (base.length === 0 || base.length >= route.length) return [];
  return base.every((segment, index) => segment === route[index]) ? [route.slice(base.length)] : [];
}

function matches({ segments, isOpen }: LiteralPath, route: readonly string[]): boolean {
  const asked = isOpen && segments.length === route.length - 1 ? [...segments, "*"] : segments;
  if (asked.length !== route.length) return false;
  const same = asked.every((segment, index) => route[index] === "*" || route[index] === segment);
  return same && (route.length === 0 || route.some((segment) => segment !== "*"));
}

import { withoutEnd } from "../../without-end.ts";

/** Letters and hyphens: what a header's name is made of. */
const RUN = /[A-Za-z-]+/g;
const TELLING = /key|token|auth/i;
/** What continues a word. */
const WORD = /\w/;

/**
 * The first name in a text that is a header for a credential: `Authorization`, or one that begins
 * with `X-` and speaks of a key, a token or of auth. Null if there is none.
 */
export function credentialHeaderIn(text: string): string | null {
  for (const { 0: run, index } of text.matchAll(RUN)) {
    const before = text.charAt(index - 1);
    const after = text.charAt(index + run.length);
    const seen = { run, lower: run.toLowerCase(), before, after };
    const [custom, plain] = [customHeader(seen), authorization(seen)];
    const isPlain = plain !== null && (custom === null || plain.at < custom.at);
    const found = isPlain ? plain : custom;
    if (found !== null) return found.name;
  }
  return null;
}

/** A run, and the characters on both sides of it. */
type Seen = Readonly<Record<"run" | "lower" | "before" | "after", string>>;

type Header = { readonly at: number; readonly name: string };

function customHeader(seen: Seen): Header | null {
  const at = startOf("x-", seen);
  if (at === -1) return null;
  const name = untilBoundary(seen.run.slice(at), seen.after);
  return TELLING.test(name.slice(2)) ? { at, name } : null;
}

function authorization(seen: Seen): Header | null {
  const { run, lower, after } = seen;
  const word = "authorization";
  for (let at = startOf(word, seen); at !== -1; at = nextStart(word, lower, at + 1)) {
    const end = at + word.length;
    if (!WORD.test(end === run.length ? after : run.charAt(end)))
      return { at, name: run.slice(at, end) };
  }
  return null;
}

/** Where a word begins: at the start, unless that goes on with another, or behind a hyphen. */
function startOf(word: string, { lower, before }: Seen): number {
  return !WORD.test(before) && lower.startsWith(word) ? 0 : nextStart(word, lower, 1);
}

function nextStart(word: string, lower: string, from: number): number {
  const at = lower.indexOf(`-${word}`, from - 1);
  return at === -1 ? -1 : at + 1;
}

/** A name ends with a whole word, and not with a hyphen that leads nowhere. */
function untilBoundary(name: string, after: string): string {
  return WORD.test(after) ? name.slice(0, name.lastIndexOf("-") + 1) : withoutEnd(name, "-");
}

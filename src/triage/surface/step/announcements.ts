/**
 * What a new version says of what a consumer uses: in its notes, and in the errors that its code
 * throws. Strangers' words: they are held against names, and shown.
 */
import type { PackageUse } from "../../facts/package-use.ts";
import type { CodeWords } from "./code-words.ts";

/** What is said, of what, and where the consumer does it. */
export type Announcement = {
  readonly subject: string;
  readonly text: string;
  readonly uses: readonly PackageUse[];
};

/** Errors and warnings that only the new code has, and that say that a used name is gone. */
export function refusals(uses: readonly PackageUse[], versions: Versions): Announcement[] {
  const fresh = [...versions.after.messages].filter(
    (text) => !versions.before.messages.has(text) && GONE.test(text) && !/deprecat/i.test(text),
  );
  return namesUsed(uses).flatMap(([subject, users]) => {
    // What stands behind "use" comes in its place.
    const text = fresh.find((message) => speaksOf(message.split(/\buse\b/i, 1)[0] ?? "", subject));
    return text === undefined ? [] : [{ subject, text, uses: users }];
  });
}

type Versions = { readonly before: CodeWords; readonly after: CodeWords };

const GONE = /no longer|\bremoved\b|not supported|\brenamed\b|\binstead\b|\breplaced\b/i;

/** As code, not as a word of English: quoted, called, taken as a member, or of several words. */
function speaksOf(message: string, name: string): boolean {
  for (let at = message.indexOf(name); at !== -1; at = message.indexOf(name, at + 1)) {
    const before = message[at - 1] ?? " ";
    const after = message[at + name.length] ?? " ";
    if (/[\w$]/.test(before) || /[\w$]/.test(after)) continue;
    if (/[`'".]/.test(before) || /[`'"(]/.test(after) || /[a-z][A-Z]|_/.test(name)) return true;
  }
  return false;
}

/** Lines of the notes that name what is used, the default of an option, or syntax in a text. */
export function announcements(
  lines: readonly string[],
  uses: readonly PackageUse[],
  facts: { readonly packageName: string; readonly after: CodeWords },
): Announcement[] {
  const used = namesUsed(uses);
  const members = namesUsed(uses, { withOptions: false });
  return lines.flatMap((line): Announcement[] => {
    const spans = codeSpans(withoutReplacement(line));
    const named = spans.flatMap((span) => namesIn(span, facts.packageName));
    // A function that is called so is no option.
    const hit =
      used.find(([name]) => named.some((one) => one.name === name && !one.isMember)) ??
      members.find(([name]) => named.some((one) => one.name === name));
    if (hit !== undefined) return [{ subject: hit[0], text: line, uses: hit[1] }];
    const byDefault = defaultIn(line, spans, { uses, after: facts.after });
    return byDefault === null ? syntaxIn(line, spans, uses) : [byDefault];
  });
}

/** What goes, without what comes in its place: "Remove `a`; use `b`", "Use `b` instead of `a`". */
function withoutReplacement(line: string): string {
  const [before = "", after] = line.split(/\binstead of\b/i, 2);
  if (after !== undefined && /^[\s*-]*use\b/i.test(before)) return after;
  const isOfGoing = /^[\s*-]*(?:remov|renam|replac|drop|deprecat)/i.test(line);
  return isOfGoing ? (line.split(/\b(?:use|to|with|in favou?r of)\b/i, 1)[0] ?? "") : line;
}

const SPANS_MAX = 50;

/** What stands between backquotes. */
function codeSpans(line: string): string[] {
  return line
    .split("`")
    .filter((_text, index) => index % 2 === 1)
    .slice(0, SPANS_MAX)
    .map((span) => span.trim());
}

type Named = { readonly name: string; readonly isMember: boolean };

/** `name`, `name()`, `.name`, `package.name`, `{ name: true }`. */
function namesIn(span: string, packageName: string): Named[] {
  if (span.startsWith("{")) {
    const words = span.split(/[^\w$]+/).filter((word) => word !== "");
    return words.map((name) => ({ name, isMember: false }));
  }
  const [head = ""] = span.split(/[([\s=]/, 1);
  const parts = head.split(".").filter((part) => part !== "");
  const name = parts.at(-1) ?? "";
  if (parts.length === 1) return [{ name, isMember: head !== name || /^[\w$]+\(/.test(span) }];
  const own = packageName.split("/").at(-1) ?? "";
  return parts.length === 2 && isAlike(parts[0] ?? "", own) ? [{ name, isMember: true }] : [];
}

function isAlike(left: string, right: string): boolean {
  const [one, other] = [left, right].map((name) => name.toLowerCase().replaceAll(/[^a-z0-9]/g, ""));
  return one === other;
}

/**
 * A default that changed of an option that nobody here sets, of code that runs here: who sets none
 * gets the new one.
 */
function defaultIn(
  line: string,
  spans: readonly string[],
  { uses, after }: { readonly uses: readonly PackageUse[]; readonly after: CodeWords },
): Announcement | null {
  if (!/\bdefault/i.test(line)) return null;
  const set = new Set(uses.flatMap(({ call }) => call?.options ?? []));
  const option = spans.find((span) => /^[\w$]+$/.test(span) && isOption(span, after));
  const calls = uses.filter(({ call, isResult }) => call !== null && !isResult);
  if (option === undefined || set.has(option) || calls.length === 0) return null;
  return { subject: option, text: line, uses: calls };
}

function isOption(name: string, { named }: CodeWords): boolean {
  return name.length >= NAME_MIN && !LITERALS.has(name) && named.has(name);
}

const NAME_MIN = 3;
const LITERALS = new Set(["true", "false", "null", "undefined"]);

/** Signs with a meaning in routes and patterns, where the notes change what it is. */
const SIGNS = ["*", "?", "+"];

function syntaxIn(
  line: string,
  spans: readonly string[],
  uses: readonly PackageUse[],
): Announcement[] {
  const isOfSyntax = /\bbecomes?\b|\bsyntax\b|\bpatterns?\b|\bwildcards?\b/i.test(line);
  if (!isOfSyntax) return [];
  return SIGNS.flatMap((sign): Announcement[] => {
    const isNamed = spans.some((span) => span.includes(sign) && /[\w:/]/.test(span));
    if (!isNamed) return [];
    return uses.flatMap((use) => {
      const given = use.call?.texts.find((text) => text.includes(sign));
      const called = use.member ?? use.name;
      return given === undefined
        ? []
        : [{ subject: `${called}("${given}")`, text: line, uses: [use] }];
    });
  });
}

/** What is used by its name, each with its uses: the calls, where it is called. */
function namesUsed(
  uses: readonly PackageUse[],
  { withOptions = true } = {},
): [string, PackageUse[]][] {
  const used = new Map<string, PackageUse[]>();
  for (const use of uses) {
    const options = withOptions ? (use.call?.options ?? []) : [];
    const names = [use.isResult ? null : use.name, use.member, ...options];
    for (const name of new Set(names)) {
      if (name === null || name === "" || name === "*" || name === "default") continue;
      used.set(name, [...(used.get(name) ?? []), use]);
    }
  }
  return [...used].map(([name, users]) => {
    const calls = users.filter(({ call }) => call !== null);
    return [name, calls.length > 0 ? calls : users];
  });
}

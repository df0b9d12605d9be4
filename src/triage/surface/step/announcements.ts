/**
 * What a new version says of what a consumer uses: in its notes, and in the errors that its code
 * throws. Strangers' words: they are held against names, and shown.
 */
import type { Location } from "../../facts/finding.ts";
import type { PackageUse } from "../../facts/package-use.ts";
import type { CodeWords } from "./code-words.ts";

/** What is said, of what, and where the consumer does it. */
export type Announcement = {
  readonly subject: string;
  readonly text: string;
  readonly uses: readonly Location[];
  /** The calls that meet it, where the subject is not what they call. */
  readonly calls?: readonly PackageUse[];
};

/**
 * Errors and warnings that only the new code has, and that say that a used name is gone, or speak
 * to whoever comes from an older version of the package.
 */
export function refusals(uses: readonly PackageUse[], facts: Facts): Announcement[] {
  const all = [...facts.after.messages].filter(
    (text) =>
      !facts.before.messages.has(text) && (!/deprecat/i.test(text) || facts.after.thrown.has(text)),
  );
  const fresh = all.filter((text) => GONE.test(text));
  const named = refusedNames(uses, fresh);
  if (named.length > 0) return named;
  return refusedUpgrade(uses, all, facts);
}

/**
 * "Will fall back to the compatibilityFormat v3": an option by which older behaviour is kept, in a
 * text that only the new code has, is for whoever calls the package without it.
 */
export function olderWays(
  uses: readonly PackageUse[],
  { before, after }: Pick<Facts, "before" | "after">,
): Announcement[] {
  const messages = [...after.messages].filter((text) => !before.messages.has(text));
  const calls = exportCalls(uses);
  const set = new Set(uses.flatMap(({ call }) => call?.options ?? []));
  if (calls.length === 0) return [];
  return messages.flatMap((text): Announcement[] => {
    const option = OLDER_WAY.exec(text)?.[0];
    const isKnown = option !== undefined && before.named.has(option) && after.named.has(option);
    return isKnown && !set.has(option) ? [{ subject: option, text, uses: calls, calls }] : [];
  });
}

const OLDER_WAY = /\b(?:compat|legacy)[a-z]{0,20}[A-Z]\w{0,40}/;

/** What is known of the package, and of the words of both versions. */
type Facts = {
  readonly packageName: string;
  readonly before: CodeWords;
  readonly after: CodeWords;
};

/** "v2 takes an object; see upgrading to v2" is for whoever calls what it exports as before. */
function refusedUpgrade(
  uses: readonly PackageUse[],
  messages: readonly string[],
  { packageName }: Facts,
): Announcement[] {
  const calls = exportCalls(uses);
  const own = packageName.split("/").at(-1) ?? "";
  const text = messages.find(
    (message) =>
      UPGRADE.test(message) &&
      message.split(/[^\w.-]+/).some((word) => word !== "" && isAlike(word, own)),
  );
  return text === undefined || calls.length === 0
    ? []
    : [{ subject: packageName, text, uses: calls }];
}

const UPGRADE = /\b(?:upgrad|migrat)(?:e|ed|ing|ion)\b/i;

function exportCalls(uses: readonly PackageUse[]): PackageUse[] {
  return uses.filter(({ call, isResult }) => call !== null && !isResult);
}

function refusedNames(uses: readonly PackageUse[], fresh: readonly string[]): Announcement[] {
  return namesUsed(uses).flatMap(([subject, users]) => {
    // What stands behind "use" comes in its place.
    const text = fresh.find((message) => speaksOf(message.split(/\buse\b/i, 1)[0] ?? "", subject));
    return text === undefined ? [] : [{ subject, text, uses: users }];
  });
}

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

/** Tells where a consumer calls a method by a name with nothing, whatever it is a method of. */
export type BareCalls = (method: string) => readonly Location[];

/**
 * Methods that only the new code refuses to run without a callback, `req#logout requires a callback`,
 * where the consumer gives none: what they are put on may be no value of the package's.
 */
export function callbacksRequired(
  { before, after }: Pick<Facts, "before" | "after">,
  callsOf: BareCalls,
): Announcement[] {
  return [...after.messages].flatMap((text): Announcement[] => {
    const method = before.messages.has(text) ? undefined : REQUIRES_CALLBACK.exec(text)?.[1];
    if (method === undefined || !before.members.has(method)) return [];
    const places = callsOf(method);
    return places.length === 0 ? [] : [{ subject: method, text, uses: places }];
  });
}

const REQUIRES_CALLBACK =
  /[#.]([\w$]{3,50})(?:\(\))?[`'"]? (?:now )?(?:requires|needs|must be given) an? (?:callback|function)\b/i;

/** Lines of the notes that name what is used, the default of an option, or syntax in a text. */
export function announcements(
  lines: readonly string[],
  uses: readonly PackageUse[],
  facts: Facts,
): Announcement[] {
  const used = namesUsed(uses);
  const members = namesUsed(uses, { withOptions: false });
  return lines.map(firstSentence).flatMap((line): Announcement[] => {
    const told = withoutReplacement(line);
    const spans = codeSpans(told);
    const named = [
      ...spans.flatMap((span) => namesIn(span, facts.packageName)),
      ...wordsOfCode(told).map((name) => ({ name, isMember: true })),
    ];
    // A function that is called so is no option.
    const [hit] = [
      ...used.filter((use) => named.some((one) => !one.isMember && isNamedBy(use, one))),
      ...members.filter((use) => named.some((one) => isNamedBy(use, one))),
    ].toSorted(byMember);
    if (hit !== undefined) {
      return isOfOthers(line, hit) ? [] : [{ subject: hit[0], text: line, uses: hit[1] }];
    }
    const byDefault = defaultIn(line, defaultedIn(line), { ...facts, uses });
    if (byDefault !== null) return [byDefault];
    return [...syntaxIn(line, spans, uses), ...valueIn(line, uses, facts)];
  });
}

function isNamedBy([name, uses]: [string, PackageUse[]], one: Named): boolean {
  return one.name === name && (one.isOfResult !== true || isOfResult([name, uses]));
}

function isOfResult([name, uses]: [string, PackageUse[]]): boolean {
  return uses.every(({ isResult, member }) => isResult && member === name);
}

/** Of what a line names, what is taken of a result says more than what gave the result. */
function byMember(left: [string, PackageUse[]], right: [string, PackageUse[]]): number {
  return Number(isOfResult(right)) - Number(isOfResult(left));
}

/** What a line is about; what explains it names other things. */
function firstSentence(line: string): string {
  // unproven pattern -- blanks are read from their first on alone, and stars have a bound
  return line.split(/(?<=\w[.!?]\*{0,3})\s+(?=[A-Z`*])/, 1)[0] ?? line;
}

/** "`f` with `strict: true` throws", "the `strict` option of `f`" are for who sets that option. */
function isOfOthers(line: string, [name, uses]: [string, PackageUse[]]): boolean {
  const set = new Set(uses.flatMap(({ call }) => call?.options ?? []));
  const given = codeSpans(line).flatMap((span) => /^([\w$]+): ?[\w"'$]+$/.exec(span)?.[1] ?? []);
  const named = [...line.matchAll(/`([\w$]+)` options? (?:of|for|to|in)\b/g)].flatMap(
    ([, option = ""]) => (option === name ? [] : [option]),
  );
  const wanted = [...given, ...named];
  return wanted.length > 0 && !wanted.some((option) => set.has(option));
}

/**
 * Of those, lines whose first name in code font, or called, is what is used: all that is held
 * against a major that has a reason, whose notes are long and name many things.
 */
export function plainAnnouncements(
  lines: readonly string[],
  uses: readonly PackageUse[],
  facts: Facts,
): Announcement[] {
  const members = namesUsed(uses, { withOptions: false });
  return lines.flatMap((text): Announcement[] => {
    const [span = ""] = codeSpans(withoutReplacement(text));
    const [named] = namesIn(span, facts.packageName);
    const hit = members.find((use) => named !== undefined && isNamedBy(use, named));
    return hit === undefined ? [] : [{ subject: hit[0], text, uses: hit[1] }];
  });
}

/** What goes, without what comes in its place: "Remove `a`; use `b`", "Use `b` instead of `a`". */
function withoutReplacement(line: string): string {
  const [before = "", after] = line.split(/\binstead of\b/i, 2);
  if (after !== undefined && /^[\s*-]*use\b/i.test(before)) return after;
  const isOfGoing = /^[\s*-]*(?:remov|renam|replac|drop|deprecat)/i.test(line);
  return isOfGoing ? (line.split(/\b(?:use|to|with|in favou?r of)\b/i, 1)[0] ?? "") : line;
}

/**
 * The names in code font of whose default a line speaks: beside the word, and not behind it where
 * it says what the default is, "it now defaults to `round`".
 */
function defaultedIn(line: string): string[] {
  const parts = line.split("`");
  return parts.flatMap((span, index) => {
    if (index % 2 === 0) return [];
    const before = (parts[index - 1] ?? "").slice(-BESIDE_CHARS);
    const after = (parts[index + 1] ?? "").slice(0, BESIDE_CHARS);
    if (/\bnew\W*$/i.test(before)) return [];
    const isSaid = /\bdefault/i.test(before) && !/\bdefault(?:s|ing)? to\b|\bis\b/i.test(before);
    return isSaid || /^[^.;]*\bdefault/i.test(after) ? [span.trim()] : [];
  });
}

/** Characters between a name and the word "default" that speaks of it. */
const BESIDE_CHARS = 30;

const SPANS_MAX = 50;

/** What stands between backquotes. */
function codeSpans(line: string): string[] {
  return line
    .split("`")
    .filter((_text, index) => index % 2 === 1)
    .concat(calledIn(line))
    .slice(0, SPANS_MAX)
    .map((span) => span.trim());
}

/** Calls outside of backquotes: nobody writes `array().required()` for anything else. */
function calledIn(line: string): string[] {
  const prose = line.split("`").filter((_text, index) => index % 2 === 0);
  return prose.flatMap((text) => text.match(CALLED) ?? []);
}

// unproven pattern -- a name has a bound, so each place is read so far
const CALLED = /(?<![\w$.])[\w$.]{1,80}\(\)/g;

/** Words outside of backquotes that are written as only code is: `readFileSync`, `PBKDF2`. */
function wordsOfCode(line: string): string[] {
  const prose = line.split("`").filter((_text, index) => index % 2 === 0);
  return prose.flatMap((text) => text.match(CODED) ?? []).slice(0, SPANS_MAX);
}

// unproven pattern -- a word has a bound, so each place is read so far
const CODED = /(?<![\w$./-])(?=\w{0,40}(?:[a-z\d][A-Z]|[A-Z]{2}\d))\w{4,80}(?![\w$/-]|\.\w)/g;

type Named = {
  readonly name: string;
  readonly isMember: boolean;
  readonly isOfResult?: boolean;
};

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
  if (parts.length !== 2) return [];
  const [owner = ""] = parts;
  if (isAlike(owner, packageName.split("/").at(-1) ?? "")) return [{ name, isMember: true }];
  // `q.drain`: of something that the package gave, whatever that is called.
  return /^[a-z]\w{0,20}$/.test(owner) ? [{ name, isMember: true, isOfResult: true }] : [];
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
  { uses, after, packageName }: DefaultFacts,
): Announcement | null {
  if (!/\bdefault/i.test(line)) return null;
  const set = new Set(uses.flatMap(({ call }) => call?.options ?? []));
  const calls = exportCalls(uses);
  const option =
    spans.find((span) => /^[\w$]+$/.test(span) && isOption(span, after)) ??
    partIn(line, { calls, packageName });
  if (option === undefined || set.has(option) || calls.length === 0) return null;
  return { subject: option, text: line, uses: calls, calls };
}

type DefaultFacts = Pick<Facts, "after" | "packageName"> & { readonly uses: readonly PackageUse[] };

/** "`package.part` now does x by default" is for whoever calls the package itself. */
function partIn(
  line: string,
  { calls, packageName }: { readonly calls: readonly PackageUse[]; readonly packageName: string },
): string | undefined {
  const isNow =
    /\bnow\b/i.test(line) && /\bby default\b/i.test(line) && !/\bsupports?\b/i.test(line);
  const isWhole = calls.some(({ name, member }) => WHOLE.has(name) && member === null);
  const own = packageName.split("/").at(-1) ?? "";
  if (!isNow || !isWhole) return undefined;
  return codeSpans(line).find((span) => {
    const [head = "", part, ...others] = span.split(".");
    return part !== undefined && others.length === 0 && isAlike(head, own);
  });
}

const WHOLE = new Set(["*", "default"]);

function isOption(name: string, { named }: CodeWords): boolean {
  return name.length >= NAME_MIN && !LITERALS.has(name) && named.has(name);
}

const NAME_MIN = 3;
const LITERALS = new Set(["true", "false", "null", "undefined"]);

/**
 * A value that the code itself changed as the line says, `"kB" to "KB"`: whoever calls the package
 * may get the new one.
 */
function valueIn(
  line: string,
  uses: readonly PackageUse[],
  { packageName, before, after }: Facts,
): Announcement[] {
  const [old, now, ...others] = [...line.matchAll(QUOTED)].map(([, value = ""]) => value);
  if (old === undefined || now === undefined || others.length > 0) return [];
  const isGone = before.named.has(old) && !after.named.has(old);
  const isNew = after.named.has(now) && !before.named.has(now);
  const calls = exportCalls(uses);
  const [first] = calls;
  if (!isGone || !isNew || first === undefined) return [];
  const called =
    first.member ?? (first.name === "*" || first.name === "default" ? null : first.name);
  return [{ subject: called ?? packageName, text: line, uses: calls }];
}

/** A value, and no name: that stands in code font. */
const QUOTED = /"([\w$-]{1,50})"/g;

/** Signs with a meaning in routes and patterns, where the notes change what it is. */
const SIGNS = ["*", "?", "+"];

/** "The `=` character is now escaped." */
function isSign(span: string): boolean {
  return span.length === 1 && /[^\w\s]/.test(span);
}

function syntaxIn(
  line: string,
  spans: readonly string[],
  uses: readonly PackageUse[],
): Announcement[] {
  const isOfSyntax = /\bbecomes?\b|\bsyntax\b|\bpatterns?\b|\bwildcards?\b/i.test(line);
  const written = /\bescaped?\b|\bencoded?\b|\bquoted\b/i.test(line) ? spans.filter(isSign) : [];
  if (!isOfSyntax && written.length === 0) return [];
  return [...SIGNS, ...written].flatMap((sign): Announcement[] => {
    const isNamed =
      written.includes(sign) ||
      (isOfSyntax && spans.some((span) => span.includes(sign) && /[\w:/]/.test(span)));
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

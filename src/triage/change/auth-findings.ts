import { withoutEnd } from "../../index.ts";
import { type ChangedFile, type DiffLine, sidesOf } from "../facts/change-set.ts";
import { isCode, isEnvFile, isProse, isTest } from "../facts/file-kinds.ts";
import { finding } from "../facts/finding.ts";
import { hasWords, wordsOf } from "../facts/identifier-words.ts";
import type { ServiceFound } from "../facts/service.ts";
import { routesOf } from "./route-findings.ts";

/** What checks a request: frameworks' own names, reading a credential, refusing without one. */
const CHECKS: readonly RegExp[] = [
  /\b(?:APIKeyHeader|APIKeyQuery|HTTPBearer|HTTPBasic|OAuth2\w*Bearer)\b/,
  /\bSecurity\(/,
  /\bpassport\b/,
  /\bjwt\.(?:verify|decode)\b|\bjwtVerify\b|\bverifyJwt\b/i,
  /@(?:UseGuards|login_required|jwt_required|PreAuthorize)\b/,
  /\b(?:status|status_code|statusCode|code|sendStatus|HTTPException|abort|writeHead)\b\W{0,5}401\b/,
  /\bHTTP_401|\bUnauthorized/,
  /\bWWW-Authenticate\b/i,
];

/** Folders and files of a service in which requests are served or checked. */
const SERVING = new Set(
  (
    "app main server api route routes router routers middleware middlewares auth security guard " +
    "guards handler handlers controller controllers endpoint endpoints views index dependencies"
  ).split(" "),
);

/** `req.headers`, `ctx.request.get`: what is written without a blank between. */
const CHAIN = /[\w.?()]+/g;
const RECEIVER = /\b(?:req|request|ctx|context|c)\b/i;
const GETTER = /\.(?:headers?|get)\b/gi;
const DECLARED = /\bHeader\(/gi;
const CREDENTIAL = /\b(?:x-api-key|authorization)\b/i;
/** Characters of CREDENTIAL's longest name, and one that shows where it ends. */
const CREDENTIAL_CHARS = 14;

/**
 * A check of a credential that code which serves requests did not have. Certain where a
 * document or an environment file tells of the key as well. At most one for a change.
 */
export function authFindings(files: readonly ChangedFile[]): ServiceFound[] {
  const checks = files.filter(isServing).flatMap(checksAdded);
  const first = checks[0];
  if (first === undefined) return [];

  const header = checks.map(({ text }) => headerIn(text)).find((name) => name !== null);
  const documented = files.flatMap(keysDocumented);
  const named = header ?? documented.map(headerIn).find((name) => name !== null);
  return [
    {
      finding: finding({
        rule: "http.auth_added",
        trigger: "authentication",
        subject: named ?? "authentication",
        breaking: documented.length > 0 ? "yes" : "maybe",
        provider: { path: first.path, line: first.line },
        after: first.text.trim(),
      }),
      matches: [{ by: "service" }],
    },
  ];
}

function isServing(file: ChangedFile): boolean {
  if (!isCode(file.path) || isTest(file.path)) return false;
  if (wordsOf(file.path).some((word) => SERVING.has(word))) return true;
  const { old, new: now } = sidesOf(file);
  return [old, now].some((side) => routesOf(file.path, side).length > 0);
}

type Check = { readonly path: string; readonly line: number | null; readonly text: string };

/** None where as many checks went as came: it was there before, in another form. */
function checksAdded(file: ChangedFile): Check[] {
  const { old, new: now } = sidesOf(file);
  const added = now.lines.filter(isCheck);
  const other = otherCredential(file);
  if (other !== undefined) return [{ path: file.path, ...other }];
  if (old.lines.filter(isCheck).length >= added.length) return [];
  // With the whole file known: a check that was there protects already.
  if (old.isWhole && old.lines.some(isCheck)) return [];
  return added.map(({ line, text }) => ({ path: file.path, line, text }));
}

/** The header that each check reads, and the first line that does. */
function headersOf(lines: readonly DiffLine[]): Map<string, DiffLine> {
  const named = lines.filter(isCheck).flatMap((line) => {
    const name = credentialHeaderIn(line.text)?.toLowerCase();
    return name === undefined ? [] : [[name, line] as const];
  });
  return new Map(named.toReversed());
}

/** A line that reads a credential by a new name, where one by another name is gone. */
function otherCredential(file: ChangedFile): DiffLine | undefined {
  const { old, new: now } = sidesOf(file);
  const [before, after] = [headersOf(old.lines), headersOf(now.lines)];
  if (![...before.keys()].some((name) => !after.has(name))) return undefined;
  return [...after].find(([name]) => !before.has(name))?.[1];
}

function isCheck({ text }: DiffLine): boolean {
  return (
    !isComment(text) &&
    (CHECKS.some((pattern) => pattern.test(text)) || readsCredential(text) || takesHeader(text))
  );
}

/** A header of a request is asked for, and a credential named within 20 characters. */
function readsCredential(text: string): boolean {
  if (!CREDENTIAL.test(text)) return false;
  return [...text.matchAll(CHAIN)].some(({ 0: chain, index }) => {
    const receiver = RECEIVER.exec(chain);
    if (receiver === null) return false;
    return [...chain.matchAll(GETTER)]
      .filter((getter) => getter.index >= receiver.index + receiver[0].length)
      .some((getter) => namesCredential(text, index + getter.index + getter[0].length, 20));
  });
}

/** `Header(alias="X-API-Key")` of FastAPI. */
function takesHeader(text: string): boolean {
  return [...text.matchAll(DECLARED)].some(({ 0: called, index }) =>
    namesCredential(text, index + called.length, 60),
  );
}

function namesCredential(text: string, from: number, within: number): boolean {
  const found = CREDENTIAL.exec(text.slice(from, from + within + CREDENTIAL_CHARS));
  return found !== null && found.index <= within;
}

function isComment(text: string): boolean {
  return /^\s*(?:#|\/\/|\/?\*|"""|''')/.test(text);
}

function headerIn(text: string): string | null {
  const name = credentialHeaderIn(text);
  if (name === null) return /\bBearer\b/.test(text) ? "Authorization" : null;
  return /^authorization$/i.test(name) ? "Authorization" : name;
}

/** Lines that tell users or operators of a key. */
function keysDocumented(file: ChangedFile): string[] {
  if (!isProse(file.path) && !isEnvFile(file.path)) return [];
  const { old, new: now } = sidesOf(file);
  const known = new Set(old.lines.map(({ text }) => text));
  return now.lines
    .filter(({ text }) => !known.has(text) && tellsOfKey(text))
    .map(({ text }) => text);
}

const KEY_WORDS = ["api key", "api keys", "api token", "auth token", "access token", "bearer"];

function tellsOfKey(text: string): boolean {
  return headerIn(text) !== null || KEY_WORDS.some((words) => hasWords(text, words));
}

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

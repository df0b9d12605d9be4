import type { ChangedFile, DiffLine } from "../change-set.ts";
import { finding } from "../finding.ts";
import { credentialHeaderIn } from "./credential-header.ts";
import { isCode, isEnvFile, isProse, isTest } from "./file-kinds.ts";
import { routesOf } from "./route-findings.ts";
import { sidesOf } from "./sides.ts";
import type { ServiceFound } from "./sought.ts";
import { hasWords, wordsOf } from "./words.ts";

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
      sought: [{ by: "service" }],
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
  if (old.lines.filter(isCheck).length >= added.length) return [];
  // With the whole file known: a check that was there protects already.
  if (old.isWhole && old.lines.some(isCheck)) return [];
  return added.map(({ line, text }) => ({ path: file.path, line, text }));
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

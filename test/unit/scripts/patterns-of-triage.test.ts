import { isDeepStrictEqual } from "node:util";
import { type Arbitrary, array, check, constantFrom, property } from "fast-check";
import { describe, expect, test } from "vitest";
import { maskSecrets, withoutEnd } from "../../../src/model/text.ts";
import { authFindings, credentialHeaderIn } from "../../../src/triage/change/auth-findings.ts";
import { envKeysOf } from "../../../src/triage/change/env-findings.ts";
import { pathsInLines } from "../../../src/triage/change/openapi-document.ts";
import { portsOf } from "../../../src/triage/change/port-findings.ts";
import { routesByPattern } from "../../../src/triage/change/route-patterns.ts";
import { literalPathsIn, quotedIn } from "../../../src/triage/consumer/literal-paths.ts";
import { findService, urlsIn } from "../../../src/triage/consumer/service-address.ts";
import type { ChangedFile } from "../../../src/triage/facts/change-set.ts";
import { isEnvFile, isOpenApi } from "../../../src/triage/facts/file-kinds.ts";
import { dockerfileKeys } from "../../../src/triage/template/explain.ts";
import {
  bumpsDependency,
  handlesSecrets,
  messageIntent,
} from "../../../src/triage/template/intent.ts";

const of = (...words: string[]) =>
  array(constantFrom(...words), { maxLength: 12 }).map((some) => some.join(""));

/** A text of which a pattern and what stands in its place find different things; null: none. */
function difference<Found>(
  texts: Arbitrary<string>,
  [found, pattern]: readonly [(text: string) => Found, (text: string) => Found],
): unknown {
  const isSame = property(texts, (text) => isDeepStrictEqual(found(text), pattern(text)));
  return check(isSame, { numRuns: 2_000 }).counterexample;
}

describe("a loop finds all that its quadratic pattern found", () => {
  test("at the end of a text", () => {
    expect(
      difference(of("/", ".", "a", "\n"), [
        (text) => withoutEnd(text, "./"),
        (text) => text.replace(/[./]+$/, ""),
      ]),
    ).toBeNull();
  });

  test("in connection strings", () => {
    const texts = of("postgres://", "a", ":", "pw", "@", "/", " ", "?", "'", "1", "+", "password=");
    expect(
      difference(texts, [
        maskSecrets,
        (text) =>
          text
            .replaceAll(/([a-z][a-z0-9+.-]*:\/\/[^\s:/@"'?#]*):[^\s"']+@/gi, "$1:****@")
            .replaceAll(/(password=)[^\s&"']+/gi, "$1****"),
      ]),
    ).toBeNull();
  });

  test("in the names of headers", () => {
    const pattern = /\b(X-[A-Za-z-]*(?:Key|Token|Auth)[A-Za-z-]*|Authorization)\b/i;
    const texts = of("X-", "Key", "Token", "Authorization", "-", "_", " ", "a", "1", "x");
    expect(
      difference(texts, [credentialHeaderIn, (text) => pattern.exec(text)?.[1] ?? null]),
    ).toBeNull();
  });

  test("in quotes", () => {
    const pattern = /(["'`])((?:\\.|(?!\1)[^\\\n])*)\1/g;
    expect(
      difference(of('"', "'", "`", "\\", "a", " "), [
        quotedIn,
        (text) => [...text.matchAll(pattern)].map(([, , inner = ""]) => inner),
      ]),
    ).toBeNull();
  });

  test("in URLs", () => {
    const pattern =
      /\b(?:https?|wss?|grpc):\/\/(?:[\w.~%-]+(?::[^@\s/"'`]*)?@)?(\[[\da-f:]+\]|[\w.-]+)(?::(\d{2,5}))?((?:\/[\w.~%{}$:-]*)*)/gi;
    expect(
      difference(of("http://", "ws://", "a", ":", "@", "80", "/v1", "/", " ", "[::1]", ".", "'"), [
        urlsIn,
        (text) =>
          [...text.matchAll(pattern)].map(({ 1: host = "", 2: port, 3: path = "", index }) => ({
            host,
            port,
            path,
            index,
          })),
      ]),
    ).toBeNull();
  });
});

describe("a loop over a file's name finds all that its quadratic pattern found", () => {
  test("of environment files and of documents of an API", () => {
    const env =
      /(?:^|\/)(?:\.env(?:\.[\w.-]+)?|[\w.-]+\.env(?:\.[\w.-]+)?|\.?env\.(?:example|sample|template))$/i;
    const openApi = /(?:^|\/)(?:[\w-]+[.-])?(?:openapi|swagger)(?:[.-][\w.-]+)?\.(?:json|ya?ml)$/i;
    expect(
      difference(of(".env", "env", ".", "a", "/", "-", "example", "!"), [
        isEnvFile,
        (path) => env.test(path),
      ]),
    ).toBeNull();
    expect(
      difference(of("openapi", "swagger", ".", "-", "a", "/", ".json", ".yml", "!"), [
        isOpenApi,
        (path) => openApi.test(path),
      ]),
    ).toBeNull();
  });
});

const MILLION = 1_000_000;
const side = (text: string) => ({ isWhole: false, lines: [{ line: 1, text }] });

function changed(path: string, text: string): ChangedFile {
  const line = { line: 1, text };
  const contents = { before: "", after: text, added: [line], removed: [line] };
  return { path, oldPath: null, changeType: "modified", isBinary: false, ...contents };
}

const identity = { repo: "o/a", description: "", hosts: [], envNames: [], interfaceFiles: [] };
const addresses = (text: string) => {
  const tree = { files: [{ path: "a.yml", text }], interfaceFiles: [], sha: "", capsHit: [] };
  return findService(tree, identity, []);
};

/** Each takes an hour or more where it looks again from each character. */
describe("a million characters come to an end", () => {
  test.for<[string, (text: string) => unknown, string]>([
    ["slashes", (text) => withoutEnd(`${text}a`, "/"), "/"],
    ["schemes", maskSecrets, "a"],
    ["connection strings", maskSecrets, "a://b:c"],
    ["header names", credentialHeaderIn, "x-authorization"],
    ["quotes that are escaped", quotedIn, '\\"'],
    ["quotes", literalPathsIn, `"'\``],
    ["URLs in a line", urlsIn, "http://a:b"],
    ["URLs in a file", addresses, "http://a\n"],
    ["newlines", addresses, "\n"],
    ["names of files", isEnvFile, ".env!"],
    ["names of documents", isOpenApi, "openapi-"],
    ["paths", (text) => pathsInLines("a", side(`/a${text}b`)), "\t"],
    ["blanks of an environment file", (text) => envKeysOf(".env", side(`A1=${text}x`)), " "],
    ["substitutions", (text) => envKeysOf("a.sh", side(text)), "${A0+:"],
    ["comments", (text) => envKeysOf(".env", side(`A1=${text}`)), " #"],
    ["blanks of code", (text) => envKeysOf("a.ts", side(text)), "\t"],
    ["servers that listen", (text) => portsOf("a.ts", side(text)), ".listen({"],
    ["servers that run", (text) => portsOf("a.ts", side(text)), ".run("],
    ["ports without a number", (text) => portsOf("a.ts", side(text)), "port:"],
    ["ports that are exposed", (text) => portsOf("Dockerfile", side(`EXPOSE ${text}`)), " 1"],
    ["receivers", (text) => routesByPattern("a.ts", side(text)), "$d"],
    ["calls", (text) => routesByPattern("a.ts", side(text)), "a.get('/x"],
    ["blanks of decorators", (text) => routesByPattern("a.ts", side(`@Get(${text}`)), "\n\t"],
    ["routers", (text) => routesByPattern("a.py", side(text)), "u=APIRouter("],
    ["decorators", (text) => routesByPattern("a.py", side(text)), "@a.route('/'"],
    ["requests", (text) => authFindings([changed("app/a.py", text)]), "c.get"],
    ["Dockerfiles", (text) => dockerfileKeys(`ENV ${text}`), "a"],
    ["secrets", (text) => handlesSecrets(changed("a", text)), "a-"],
    ["versions", (text) => bumpsDependency(changed("pyproject.toml", `a=${text}`)), " "],
    ["modules", (text) => bumpsDependency(changed("go.mod", text)), "r.i"],
    ["messages", messageIntent, "CVE-1234-"],
  ])("%s", ([, read, unit]) => {
    const text = unit.repeat(Math.ceil(MILLION / unit.length));

    expect(() => read(text)).not.toThrow();
  });
});

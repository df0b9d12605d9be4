import { expect, test } from "vitest";
import type { PackageUse } from "../../../../../src/triage/facts/package-use.ts";
import {
  announcements,
  callbacksRequired,
  olderWays,
  refusals,
} from "../../../../../src/triage/surface/step/announcements.ts";
import { codeWords } from "../../../../../src/triage/surface/step/code-words.ts";

const CALL: PackageUse = {
  path: "a.js",
  line: 2,
  subpath: ".",
  name: "parse",
  isResult: false,
  member: null,
  call: {
    count: 2,
    options: ["strict"],
    kinds: ["text", "object"],
    texts: ["/files/*"],
    isNew: false,
  },
};
const BEFORE = codeWords(["module.exports = (text) => text + 'kB';"]);
const AFTER = codeWords([
  "module.exports = (text, options) => options.quiet && options.strict && text + 'KB';",
]);
const packageName = "@s/the-parser";

function said(line: string): string[] {
  const facts = { packageName, before: BEFORE, after: AFTER };
  return announcements([line], [CALL], facts).map(({ subject }) => subject);
}

test.for<[line: string, subjects: string[]]>([
  ["Remove `parse`; use `read`", ["parse"]],
  ["Remove `read`; use `parse`", []],
  ["Rename `read` to `parse`", []],
  ["Use `parse` instead of `read`", []],
  ["Use `read` instead of `parse`", ["parse"]],
  ["`parse(text)` throws", ["parse"]],
  ["`theParser.parse` is gone", ["parse"]],
  ["`Object.parse` is gone", []],
  ["Remove parse", []],
  ["Rename `{ strict: true }` to `{ exact: true }`", ["strict"]],
  ["Remove `theParser.strict()`", []],
  ["Default `quiet` to false", ["quiet"]],
  ["Change the default of `strict`, which is given here", ["strict"]],
  ["Change the default of `unread`", []],
  ["It now defaults to `quiet` instead of `unread`", []],
  ["parse() no longer takes lists", ["parse"]],
  ["array().parse() no longer takes lists", ["parse"]],
  ["`parse` was rewritten, with a new `quiet` option, off by default", ["parse"]],
  ["There is a new `quiet` option, off by default", []],
  ["`parse` with `loose: true` throws", []],
  ["`parse` with `strict: true` throws", ["parse"]],
  ["The `loose` option of `parse` is gone", []],
  ["Text is no longer trimmed. See `parse` for more", []],
  ["Default to `true`", []],
  ["`:name*` becomes `*name`", ['parse("/files/*")']],
  ["`:name?` becomes `{:name}`", []],
  ["Remove `*.min.js` from the package", []],
  ['Change "kB" to "KB" in format output', ["parse"]],
  ["The `/` character is now escaped", ['parse("/files/*")']],
  ["The `=` character is now escaped", []],
  ["`/` is faster", []],
  ['Change "MB" to "KB" in format output', []],
  ['Change "kB" to "MB" in format output', []],
])("of %s is used: %s", ([line, subjects]) => {
  expect(said(line)).toEqual(subjects);
});

test.for<[title: string, message: string, isSaid: boolean]>([
  ["a name that is gone", "`parse` was removed. Use read instead", true],
  ["a call that is not taken", "paths are no longer supported by parse()", true],
  ["a word of English", "cannot parse what is no longer text", false],
  ["what only is deprecated, and throws", "`parse` is deprecated, use read instead", true],
  ["another name", "`read` was removed", false],
  ["what comes in place of another", "`read` was removed, use parse() instead", false],
])("an error that only the new code has tells %s", ([, message, isSaid]) => {
  const before = codeWords(["throw new Error('`parse` was removed long ago');"]);
  const after = codeWords([`throw new Error(${JSON.stringify(message)});`]);

  expect(refusals([CALL], { packageName, before, after }).length > 0).toBe(isSaid);
  expect(refusals([CALL], { packageName, before: after, after })).toEqual([]);
});

test("a warning of the new code that something is deprecated refuses nothing", () => {
  const before = codeWords([""]);
  const after = codeWords(["console.warn('`parse` is deprecated, use read instead');"]);

  expect(refusals([CALL], { packageName, before, after })).toEqual([]);
});

test.for<[line: string, subjects: string[]]>([
  ["In `parse` and `scan`, `q.drain` is a method now", ["drain"]],
  ["`parse` was rewritten", ["parse"]],
  ["`Queue.drain` is a method now", []],
  ["Changed what sha256Sum gives", ["sha256Sum"]],
  ["Changed what /docs/sha256Sum.md says", []],
])("of %s the nearest to what is done is told: %s", ([line, subjects]) => {
  const drain = { ...CALL, line: 3, isResult: true, member: "drain", call: null };
  const sum = { ...CALL, line: 4, name: "sha256Sum" };
  const facts = { packageName, before: BEFORE, after: AFTER };

  const found = announcements([line], [CALL, drain, sum], facts);

  expect(found.map(({ subject }) => subject)).toEqual(subjects);
});

test.for<[line: string, subjects: string[]]>([
  ["`theParser.quietly` now trims by default", ["theParser.quietly"]],
  ["`theParser.quietly` now trims", []],
  ["`other.quietly` now trims by default", []],
])("a part of the package is for whoever calls it as a whole: %s", ([line, subjects]) => {
  const facts = { packageName, before: BEFORE, after: AFTER };
  const told = (name: string) =>
    announcements([line], [{ ...CALL, name }], facts).map(({ subject }) => subject);

  expect(told("*")).toEqual(subjects);
  expect(told("parse")).toEqual([]);
});

test.for<[title: string, message: string, subjects: string[]]>([
  ["an option that keeps it", "falls back to the compatFormat v1", ["compatFormat"]],
  ["an option that nobody knew", "falls back to the legacyFormat v1", []],
  ["no option", "not compatible with v1", []],
])("an older way is told by %s", ([, message, subjects]) => {
  const code = "options.compatFormat === 'v1'";
  const before = codeWords([code]);
  const after = codeWords([`${code}; log.error(${JSON.stringify(message)});`]);
  const given = { ...CALL, call: { count: 1, kinds: [], texts: [], isNew: false } };
  const told = (options: string[]) =>
    olderWays([{ ...given, call: { ...given.call, options } }], { before, after });

  expect(told([]).map(({ subject }) => subject)).toEqual(subjects);
  expect(told(["compatFormat"])).toEqual([]);
  expect(olderWays([CALL], { before: after, after })).toEqual([]);
});

test.for<[message: string, subjects: string[]]>([
  ["TheParser v2 takes one object. See upgrading from v1", [packageName]],
  ["Other v2 takes one object. See upgrading from v1", []],
  ["TheParser takes one object", []],
])("%s speaks to who upgrades", ([message, subjects]) => {
  const before = codeWords(["throw new Error('no text');"]);
  const after = codeWords([`throw new Error(${JSON.stringify(message)});`]);

  const found = refusals([CALL], { packageName, before, after });

  expect(found.map(({ subject }) => subject)).toEqual(subjects);
});

test.for<[message: string, subjects: string[]]>([
  ["req#logout requires a callback function", ["logout"]],
  ["`session.logout()` now requires a callback", ["logout"]],
  ["req#logout requires a session", []],
  ["req#login requires a callback function", []],
])("%s refuses calls of %s", ([message, subjects]) => {
  const before = codeWords(["req.logout = (done) => done && done();"]);
  const after = codeWords([`req.logout = () => { throw new Error(${JSON.stringify(message)}); };`]);
  const at = [{ path: "a.js", line: 8 }];

  const found = callbacksRequired({ before, after }, () => at);

  expect(found.map(({ subject }) => subject)).toEqual(subjects);
  expect(callbacksRequired({ before, after }, () => [])).toEqual([]);
  expect(callbacksRequired({ before: after, after }, () => at)).toEqual([]);
});

import { expect, test } from "vitest";
import type { PackageUse } from "../../../../../src/triage/facts/package-use.ts";
import {
  announcements,
  callbacksRequired,
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
  ['Change "MB" to "KB" in format output', []],
  ['Change "kB" to "MB" in format output', []],
])("of %s is used: %s", ([line, subjects]) => {
  expect(said(line)).toEqual(subjects);
});

test.for<[title: string, message: string, isSaid: boolean]>([
  ["a name that is gone", "`parse` was removed. Use read instead", true],
  ["a call that is not taken", "paths are no longer supported by parse()", true],
  ["a word of English", "cannot parse what is no longer text", false],
  ["what only warns", "`parse` is deprecated, use read instead", false],
  ["another name", "`read` was removed", false],
  ["what comes in place of another", "`read` was removed, use parse() instead", false],
])("an error that only the new code has tells %s", ([, message, isSaid]) => {
  const before = codeWords(["throw new Error('`parse` was removed long ago');"]);
  const after = codeWords([`throw new Error(${JSON.stringify(message)});`]);

  expect(refusals([CALL], { packageName, before, after }).length > 0).toBe(isSaid);
  expect(refusals([CALL], { packageName, before: after, after })).toEqual([]);
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

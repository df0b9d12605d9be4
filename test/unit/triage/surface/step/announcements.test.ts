import { expect, test } from "vitest";
import type { PackageUse } from "../../../../../src/triage/facts/package-use.ts";
import { announcements, refusals } from "../../../../../src/triage/surface/step/announcements.ts";
import { codeWords } from "../../../../../src/triage/surface/step/code-words.ts";

const CALL: PackageUse = {
  path: "a.js",
  line: 2,
  subpath: ".",
  name: "parse",
  isResult: false,
  member: null,
  call: { count: 2, options: ["strict"], texts: ["/files/*"], isNew: false },
};
const AFTER = codeWords(["module.exports = (text, options) => options.quiet && options.strict;"]);

function said(line: string): string[] {
  const facts = { packageName: "@s/the-parser", after: AFTER };
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
  ["Default to `true`", []],
  ["`:name*` becomes `*name`", ['parse("/files/*")']],
  ["`:name?` becomes `{:name}`", []],
  ["Remove `*.min.js` from the package", []],
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

  expect(refusals([CALL], { before, after }).length > 0).toBe(isSaid);
  expect(refusals([CALL], { before: after, after })).toEqual([]);
});

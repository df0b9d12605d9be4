import { expect } from "vitest";
import { analyzePackage } from "../../../../../src/triage/pipeline/analyze-package.ts";
import { breakingHits, test } from "../../../../support/packages.ts";

const SLOW = { timeout: 60_000 };

type Case = readonly [
  title: string,
  parts: { before: string; after: string; use: string; expected: string[] },
];

const REST =
  "const ONE = 1;\nconst TWO = 2;\nexports.find = (text) => SIGN.exec(text);\nexports.other = () => ONE + TWO;\n";

const CASES: readonly Case[] = [
  [
    "a member of an instance that is gone",
    {
      before: "class P {}\nP.prototype.lookup = () => 1;\nexports.P = P;\n",
      after: "class P {}\nP.prototype.getType = () => 1;\nexports.P = P;\n",
      use: 'const { P } = require("provider");\nnew P().lookup("a");\n',
      expected: ["js.member_removed:lookup confirmed a.js:2"],
    },
  ],
  [
    "a member that values of the language have is no member of the package",
    {
      before: "exports.list = () => [];\nlist.map = () => [];\n",
      after: "exports.list = () => [1];\n",
      use: 'const { list } = require("provider");\nlist().map(String);\n',
      expected: [],
    },
  ],
  [
    "a member by a key that is worked out, of which some are gone",
    {
      before: "exports.a = 1;\nexports.b = 2;\n",
      after: "exports.a = 1;\n",
      use: 'const p = require("provider");\nconsole.log(p[process.argv[2]]);\n',
      expected: ["js.export_removed:b none", "js.member_unknown:provider confirmed a.js:2"],
    },
  ],
  [
    "a member by a key that is worked out, of which all are there",
    {
      before: "exports.a = 1;\nexports.b = 2;\n",
      after: "exports.a = 2;\nexports.b = 2;\n",
      use: 'const p = require("provider");\nconsole.log(p[process.argv[2]]);\n',
      expected: [],
    },
  ],
  [
    "an option that is read no more",
    {
      before: "exports.f = (options) => options.quiet;\n",
      after: "exports.f = (options) => options.silent;\n",
      use: 'const { f } = require("provider");\nf({ quiet: true, other: 1 });\n',
      expected: ["js.option_removed:quiet confirmed a.js:2"],
    },
  ],
  [
    "a function that takes its arguments in another order",
    {
      before: "exports.f = (path, done) => done(path);\n",
      after: "exports.f = (done, path) => done(path);\n",
      use: 'const { f } = require("provider");\nf("a", console.log);\n',
      expected: ["js.parameters_changed:f confirmed a.js:2"],
    },
  ],
  [
    "a constructor that became a function that is none",
    {
      before: "module.exports = function Parser(options) { this.options = options; };\n",
      after: "module.exports = (options) => options;\n",
      use: 'const Parser = require("provider");\nnew Parser({});\n',
      expected: ["js.new_changed:provider confirmed a.js:2"],
    },
  ],
  [
    "a method of a value of others that wants a callback",
    {
      before: "module.exports = (req) => { req.logout = (done) => done && done(); };\n",
      after:
        "module.exports = (req) => { req.logout = (done) => { if (!done) throw new Error('req#logout requires a callback'); }; };\n",
      use: 'const add = require("provider");\nadd(server);\nserver.on("request", (req) => req.logout());\n',
      expected: ["js.use_refused:logout confirmed a.js:3"],
    },
  ],
  [
    "a method of a class that takes less",
    {
      before: "exports.A = class { run(path, done) { done(path); } };\n",
      after: "exports.A = class { run(path) { return path; } };\n",
      use: 'const { A } = require("provider");\nnew A().run("a", console.log);\n',
      expected: ["js.parameters_changed:run confirmed a.js:2"],
    },
  ],
  [
    "a function that only throws",
    {
      before: "exports.safeLoad = (text) => text;\n",
      after:
        "exports.safeLoad = () => { throw new Error('Function safeLoad() was removed. Use load instead'); };\n",
      use: 'const { safeLoad } = require("provider");\nsafeLoad("a");\n',
      expected: [
        "js.parameters_changed:safeLoad confirmed a.js:2",
        "js.use_refused:safeLoad confirmed a.js:2",
      ],
    },
  ],
  [
    "a default that is another, of an option that is not given",
    {
      before: "const defaults = { math: 0, quiet: false };\nexports.render = () => defaults;\n",
      after: "const defaults = { math: 1, quiet: false };\nexports.render = () => defaults;\n",
      use: 'const { render } = require("provider");\nrender("a");\n',
      expected: ["js.default_changed:math confirmed a.js:2"],
    },
  ],
  [
    "a default that is another, of an option that is given",
    {
      before: "const defaults = { math: 0 };\nexports.render = () => defaults;\n",
      after: "const defaults = { math: 1 };\nexports.render = () => defaults;\n",
      use: 'const { render } = require("provider");\nrender("a", { math: 0 });\n',
      expected: [],
    },
  ],
  [
    "an option that was on unless told otherwise, and that no code has any more",
    {
      before:
        "const getDefaults = () => ({ ids: true, xhtml: false });\nexports.parse = () => getDefaults();\n",
      after: "const getDefaults = () => ({});\nexports.parse = () => getDefaults();\n",
      use: 'const { parse } = require("provider");\nparse("a");\n',
      expected: ["js.default_changed:ids confirmed a.js:2"],
    },
  ],
  [
    "an option of what is used that was off, and that no code has any more",
    {
      before:
        "const defaults = { formatWithSign: false, quiet: false };\nexports.P = class { format() { return defaults; } };\n",
      after: "const defaults = {};\nexports.P = class { format() { return defaults.sign; } };\n",
      use: 'const { P } = require("provider");\nnew P().format();\n',
      expected: ["js.default_changed:formatWithSign confirmed a.js:2"],
    },
  ],
  [
    "a parameter that is new, and on unless something is given",
    {
      before: "exports.load = function load(text) { return text; };\n",
      after: "exports.load = function load(text, isWhole = true) { return isWhole ? text : 1; };\n",
      use: 'const { load } = require("provider");\nload("a");\n',
      expected: ["js.default_changed:isWhole confirmed a.js:2"],
    },
  ],
  [
    "a parameter that is new, and given",
    {
      before: "exports.load = function load(text) { return text; };\n",
      after: "exports.load = function load(text, isWhole = true) { return isWhole ? text : 1; };\n",
      use: 'const { load } = require("provider");\nload("a", false);\n',
      expected: [],
    },
  ],
  [
    "the one constant that differs in all of the code, where what is called leads to it",
    {
      before: `const SIGN = /[a-y]/;\n${REST}`,
      after: `const SIGN = /[a-z]/;\n${REST}`,
      use: 'const { find } = require("provider");\nfind("a");\n',
      expected: ["js.only_change:SIGN confirmed a.js:2"],
    },
  ],
  [
    "the one constant that differs in all of the code, where something else is called",
    {
      before: `const SIGN = /[a-y]/;\n${REST}`,
      after: `const SIGN = /[a-z]/;\n${REST}`,
      use: 'const { other } = require("provider");\nother("a");\n',
      expected: [],
    },
  ],
  [
    "an option by which the new code keeps an older way",
    {
      before: "exports.init = (options) => options.compatFormat === 'v1';\n",
      after:
        "exports.init = (options) => options.compatFormat === 'v1' || warn('falls back to the compatFormat v1');\n",
      use: 'const { init } = require("provider");\ninit({});\n',
      expected: ["js.older_way:compatFormat confirmed a.js:2"],
    },
  ],
  [
    "a constant of an object that nothing calls defaults",
    {
      before: "exports.parse = () => ({ ids: true });\n",
      after: "exports.parse = () => ({ ids: false });\n",
      use: 'const { parse } = require("provider");\nparse("a");\n',
      expected: [],
    },
  ],
  [
    "a function of a class that is called calls no constructor",
    {
      before: "function C() {}\nC.parse = (text) => text;\nexports.C = C;\n",
      after: "class C { static parse(text) { return text; } }\nexports.C = C;\n",
      use: 'const { C } = require("provider");\nC.parse("a");\n',
      expected: [],
    },
  ],
  [
    "a name that the files of neither version have",
    {
      before: "module.exports = require('other');\n",
      after: "module.exports = require('another');\n",
      use: 'const { f } = require("provider");\nf("a");\n',
      expected: ["pkg.version:provider confirmed a.js:2"],
    },
  ],
];

test.for(CASES)("%s", SLOW, async ([, { before, after, use, expected }], { makeUpgrade }) => {
  const request = await makeUpgrade({
    from: { "index.js": before },
    to: { "index.js": after, "package.json": { version: "2.0.0" } },
    consumer: { "a.js": use },
  });

  const analysis = analyzePackage(
    { ...request, package: { ...request.package, to: "2.0.0" } },
    () => {},
  );

  expect(breakingHits(analysis).toSorted()).toEqual(expected);
});

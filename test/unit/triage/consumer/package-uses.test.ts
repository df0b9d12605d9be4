import { expect, test } from "vitest";
import { packageUses } from "../../../../src/triage/consumer/package-uses.ts";
import { specifiersOf } from "../../../../src/triage/consumer/specifiers.ts";

const SPECIFIERS = specifiersOf("p", [], { manifests: [], tsconfigs: [] });

/** What is done, as `line name.member(count; options; "texts")`, "->" before what a call gave. */
function done(text: string): string[] {
  return packageUses({ path: "src/a.js", text }, SPECIFIERS).map((use) => {
    const { line, name, isResult, member, call } = use;
    const of = `${name}${isResult ? "->" : ""}${member === null ? "" : `.${member}`}`;
    const given = call === null ? "" : `(${[call.count, ...call.options, ...call.texts].join()})`;
    return `${line} ${call?.isNew === true ? "new " : ""}${of}${given}`;
  });
}

test.for<[title: string, text: string, expected: string[]]>([
  ["a call of what require gives", 'const p = require("p");\np("a", { b: 1 });', ["2 *(2,b,a)"]],
  ["a call on the spot", 'require("p")(1);', ["1 *(1)"]],
  ["a named import", 'import { f as g } from "p";\ng(1, 2);', ["2 f(2)"]],
  ["a member of a default import", 'import p from "p";\np.f("x");', ["2 default.f(1,x)"]],
  ["a member of a module", 'import * as p from "p";\np.f;', ["2 *.f"]],
  ["names taken apart", 'const { A: B } = require("p");\nnew B();', ["1 *.A", "2 new A(0)"]],
  ["a member by a key that is worked out", 'const p = require("p");\np[key];', ["2 *."]],
  ["a member by a key that is written", 'const p = require("p");\np["f"]();', ["2 *.f(0)"]],
  [
    "what comes of a call",
    'const { A } = require("p");\nconst a = new A();\na.run(["x", "y"]);',
    ["1 *.A", "2 new A(0)", "3 A->.run(1,x,y)"],
  ],
  [
    "what is awaited",
    'const { run } = await import("p");\n(await run()).data;',
    ["1 *.run", "2 run->.data", "2 run(0)"],
  ],
  [
    "a class of the consumer that extends one",
    'import { A } from "p";\nclass B extends A {\n  go() { this.stop(1); }\n}',
    ["3 A->.stop(1)"],
  ],
  [
    "options that have a name, and those within options",
    'import { f } from "p";\nconst o = { a: { b: 1 } };\nf(o);',
    ["3 f(1,a,b)"],
  ],
  ["arguments that are spread", 'import { f } from "p";\nf(...all);', ["2 f()"]],
  ["a template", 'import { f } from "p";\nf`x`;', ["2 f(0)"]],
  [
    "nothing of a name that is declared twice",
    'import { f } from "p";\nconst a = f();\nfunction g(a) { a.run(); }',
    ["2 f(0)"],
  ],
  ["nothing of another package", 'import { f } from "q"; // p\nf();', []],
])("%s", ([, text, expected]) => {
  expect(done(text)).toEqual(expected);
});

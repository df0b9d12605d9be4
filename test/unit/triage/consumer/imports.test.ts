import { expect, test } from "vitest";
import { importsOf } from "../../../../src/triage/consumer/imports.ts";
import { specifiersOf } from "../../../../src/triage/consumer/specifiers.ts";

const NO_SETTINGS = { manifests: [], tsconfigs: [] };
const PLAIN = specifiersOf("@s/p", [], NO_SETTINGS);

/** What is taken, as `line name`, and `line name (subpath)` or `require` where that matters. */
function taken(text: string): string[] {
  return importsOf({ path: "src/a.ts", text }, specifiersOf("@s/p", ["alias"], NO_SETTINGS))
    .filter(({ name }) => name !== "")
    .map(({ line, name, subpath, loadedBy }) =>
      [
        line,
        name,
        ...(subpath === "." ? [] : [subpath]),
        ...(loadedBy === "require" ? [loadedBy] : []),
      ].join(" "),
    );
}

test.for<[title: string, text: string, expected: string[]]>([
  ["a default import", 'import p from "@s/p";', ["1 default"]],
  [
    "named imports, renamed and of types",
    'import {\n  a as b,\n  type C,\n} from "@s/p";',
    ["2 a", "3 C"],
  ],
  ["an import of a subpath", 'import { a } from "@s/p/sub";', ["1 a ./sub"]],
  ["an import under an alias", 'import { a } from "alias";', ["1 a"]],
  [
    "members of a namespace",
    'import * as p from "@s/p";\np.a();\nlet t: p.T;\np["b"];',
    ["2 a", "3 T", "4 b"],
  ],
  ["a namespace that escapes", 'import * as p from "@s/p";\nkeep(p);', ["2 *"]],
  ["a namespace taken apart", 'import * as p from "@s/p";\nconst { a, b: c } = p;', ["2 a", "2 b"]],
  ["re-exports by name", 'export { a, default as p } from "@s/p";', ["1 a", "1 default"]],
  ["a re-export of everything", 'export * from "@s/p";', ["1 *"]],
  ["require taken apart", 'const { a, b: c } = require("@s/p");', ["1 a require", "1 b require"]],
  ["a member of require", 'const a = require("@s/p").a;', ["1 a require"]],
  [
    "require as a whole",
    'const p = require("@s/p");\np.a();\np();',
    ["2 a require", "3 default require"],
  ],
  ["import equals require", 'import p = require("@s/p");\nnew p.A();', ["2 A require"]],
  ["a dynamic import taken apart", 'const { a } = await import("@s/p");', ["1 a"]],
  ["a member of a dynamic import", 'const a = (await import("@s/p")).a;', ["1 a"]],
  ["a type by import()", 'let a: import("@s/p").A;', ["1 A"]],
])("%s is read", ([, text, expected]) => {
  expect(taken(text)).toEqual(expected);
});

test.for([
  ["another package with the same beginning", 'import { a } from "@s/pq";'],
  ["a comment", '// import { a } from "@s/p";'],
  ["a text", "const a = 'import { a } from \"@s/p\"';"],
] as const)("%s is no import", ([, text]) => {
  expect(importsOf({ path: "a.ts", text }, PLAIN)).toEqual([]);
});

test("an import for its effects alone is kept as an import without a name", () => {
  expect(importsOf({ path: "a.ts", text: 'import "@s/p";' }, PLAIN)).toEqual([
    { path: "a.ts", line: 1, subpath: ".", name: "", loadedBy: "import" },
  ]);
});

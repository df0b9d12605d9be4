// Goal: no SQL of ours reads otherwise where a database has backslashes escape
// (standard_conforming_strings = off), neither in a function that is there nor in one to come.
// Method: every file of sql/, and every text of src/ that is SQL, as the server gets it.

import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import ts from "typescript";
import { expect, test } from "vitest";

const ROOT = path.join(import.meta.dirname, "..", "..", "..");
const filesIn = (pattern: string) => globSync(pattern, { cwd: ROOT }).toSorted();

const IS_SQL =
  /\b(?:select|insert into|update|delete from|lock table|create (?:table|schema|view)|alter)\b[^]*\b(?:triaged|pg_\w+|from|where|set|as)\b|similar to|regexp_/;

/** The texts of a file, as the program has them; what is put in between is left out. */
function textsOf(file: string): string[] {
  const source = ts.createSourceFile(
    file,
    readFileSync(path.join(ROOT, file), "utf8"),
    ts.ScriptTarget.Latest,
    true,
  );
  const texts: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node)) {
      texts.push(node.text);
    } else if (ts.isTemplateExpression(node)) {
      texts.push(
        [node.head, ...node.templateSpans.map((span) => span.literal)]
          .map((part) => part.text)
          .join("$0"),
      );
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return texts;
}

test("no file of sql/ has a backslash", () => {
  const files = filesIn("sql/**/*.sql");
  expect(files.length).toBeGreaterThan(80);

  expect(
    files.filter((file) => readFileSync(path.join(ROOT, file), "utf8").includes("\\")),
  ).toEqual([]);
});

test("no statement of src/ has a backslash", () => {
  const statements = filesIn("src/**/*.ts").flatMap((file) =>
    textsOf(file)
      .filter((text) => IS_SQL.test(text))
      .map((text) => ({ file, text })),
  );
  // The texts of the stores, of the doctor, of verify.
  expect(statements.length).toBeGreaterThan(100);

  expect(statements.filter(({ text }) => text.includes("\\"))).toEqual([]);
});

// Goal: SQL stands where a reader looks for it, and reads the same in every database, also where
// backslashes escape (standard_conforming_strings = off).
// Method: every file of sql/, and every text of src/ that is SQL, as the server gets it.

import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import ts from "typescript";
import { expect, test } from "vitest";

const ROOT = path.join(import.meta.dirname, "..", "..", "..");
const filesIn = (pattern: string) => globSync(pattern, { cwd: ROOT }).toSorted();

const IS_SQL =
  /\b(?:select|insert into|update|delete from|lock table|create (?:table|schema|view)|alter)\b[^]*\b(?:triaged|pg_\w+|from|where|set|as)\b|similar to|regexp_/;

/** A statement from its first word, of what the queue's schema has. */
const IS_OF_THE_QUEUE =
  /^\s*(?:select|insert|update|delete|with|call|lock|listen|notify|truncate|create|alter|drop)\b[^]*\btriaged(?:_compat)?\./;

function parse(file: string): ts.SourceFile {
  const text = readFileSync(path.join(ROOT, file), "utf8");
  return ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
}

/** The texts of a file, as the program has them; what is put in between is left out. */
function textsOf(file: string): string[] {
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
  visit(parse(file));
  return texts;
}

/** Whether a file sends a statement: calls `query` of whatever it is that has one. */
function sendsStatements(file: string): boolean {
  const isCall = (node: ts.Node): boolean =>
    (ts.isCallExpression(node) &&
      ts.isPropertyAccessExpression(node.expression) &&
      node.expression.name.text === "query") ||
    ts.forEachChild(node, (child) => isCall(child) || undefined) === true;
  return isCall(parse(file));
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

/** Outside of src/database. */
const MAY_HAVE_SQL = ["src/triage/page-store.ts", "src/triage/store.ts"];
/** They pass on what a handler asks. */
const MAY_SEND_A_HANDLERS = ["src/worker/handler-context.ts", "src/worker/handlers.ts"];

test("src/database and the store of triage alone have SQL", () => {
  const files = filesIn("{src,tasks}/**/*.ts")
    .filter((file) => !file.startsWith("src/database/"))
    .filter((file) =>
      /triaged(?:_compat)?\.|query/.test(readFileSync(path.join(ROOT, file), "utf8")),
    );
  const having = files.filter((file) => textsOf(file).some((text) => IS_OF_THE_QUEUE.test(text)));
  const sending = files.filter(sendsStatements);
  // Else the search finds nothing at all.
  expect(having).toContain("src/triage/store.ts");
  expect(sending).toContain("src/triage/store.ts");

  expect(having.filter((file) => !MAY_HAVE_SQL.includes(file))).toEqual([]);
  expect(
    sending.filter((file) => ![...MAY_HAVE_SQL, ...MAY_SEND_A_HANDLERS].includes(file)),
  ).toEqual([]);
});

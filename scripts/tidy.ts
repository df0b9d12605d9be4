// Our rules as a check: those of CONTRIBUTING.md that neither the formatter, nor the linter,
// nor the compiler knows. Prints one line for each violation, and exits 1 if there is one.

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { checkAnyFile } from "./tidy-rules/any-file.ts";
import { checkSqlFile } from "./tidy-rules/sql-file.ts";
import { checkTypescriptFile } from "./tidy-rules/typescript-file.ts";
import type { SourceFile } from "./tidy-rules/violation.ts";

const root = path.dirname(import.meta.dirname);
const violations = listFiles().flatMap((file) => [
  ...checkAnyFile(file),
  ...(file.path.endsWith(".sql") ? checkSqlFile(file) : []),
  ...(/\.[jt]s$/.test(file.path) ? checkTypescriptFile(file) : []),
]);
for (const { file, line, message } of violations) {
  process.stdout.write(`${file}:${line}: ${message}\n`);
}
process.exitCode = violations.length === 0 ? 0 : 1;

/** What git has or would take, as long as it is text of ours. */
function listFiles(): SourceFile[] {
  const listed = execFileSync("git", ["ls-files", "-co", "--exclude-standard"], {
    cwd: root,
    encoding: "utf8",
  });
  return listed
    .split("\n")
    .filter(
      (name) => /\.(sql|ts|js|md|json|conf)$/.test(name) && !name.endsWith("package-lock.json"),
    )
    .filter((name) => !name.includes("/fixtures/") && existsSync(path.join(root, name)))
    .map((name) => {
      const text = readFileSync(path.join(root, name), "utf8");
      return { path: name, text, lines: text.split("\n") };
    });
}

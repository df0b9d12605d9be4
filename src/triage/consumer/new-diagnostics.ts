import { relative } from "node:path";
import ts from "typescript";
import { type CalledPlaces, called } from "../compiler/called-places.ts";
import { oneLine, slashed } from "../compiler/declaration.ts";
import type { Diagnostic } from "../finding.ts";
import { ownFiles } from "./consumer-program.ts";

/**
 * The compiler's errors in the consumer's files that only the new version brings. An error
 * is the same one if file, position and code are: its message may spell out the provider's
 * types and so differ, although the line was broken before.
 */
export function newDiagnostics(
  programs: { readonly before: ts.Program; readonly after: ts.Program },
  root: string,
  places: CalledPlaces,
): Diagnostic[] {
  const known = new Set(errorsIn(programs.before, root).map(keyOf));
  return errorsIn(programs.after, root)
    .filter((error) => !known.has(keyOf(error)))
    .map((error) => describe(error, root, places));
}

type LocatedDiagnostic = ts.Diagnostic & { file: ts.SourceFile; start: number };

function errorsIn(program: ts.Program, root: string): LocatedDiagnostic[] {
  return ownFiles(program, root)
    .flatMap((file) => program.getSemanticDiagnostics(file))
    .filter((found) => found.category === ts.DiagnosticCategory.Error)
    .filter((found): found is LocatedDiagnostic => found.file !== undefined);
}

function keyOf({ file, start, code }: LocatedDiagnostic): string {
  return `${file.fileName}:${start}:${code}`;
}

function describe(
  { file, start, code, messageText }: LocatedDiagnostic,
  root: string,
  places: CalledPlaces,
): Diagnostic {
  return {
    path: slashed(relative(root, file.fileName)),
    line: file.getLineAndCharacterOfPosition(start).line + 1,
    code: `TS${code}`,
    message: oneLine(called(ts.flattenDiagnosticMessageText(messageText, " "), places)),
  };
}

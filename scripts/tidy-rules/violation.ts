/** A file of the repository; its path is relative to the root, its lines have no ends. */
export type SourceFile = {
  readonly path: string;
  readonly text: string;
  readonly lines: readonly string[];
};

/** Files that spell out what is forbidden, and so cannot obey it. */
export const TELLING = /^(?:scripts\/tidy-rules\/|test\/unit\/scripts\/tidy\.test\.ts$)/;

export type Violation = { readonly file: string; readonly line: number; readonly message: string };

/** A violation in each line that the pattern matches. */
export function inLines(
  file: SourceFile,
  lines: readonly string[],
  pattern: RegExp,
  message: string | ((found: string) => string),
): Violation[] {
  return lines.flatMap((text, index) => {
    const found = pattern.exec(text)?.[0];
    return found === undefined
      ? []
      : [at(file, index + 1, typeof message === "string" ? message : message(found))];
  });
}

export function at(file: SourceFile, line: number, message: string): Violation {
  return { file: file.path, line, message };
}

/** The line, from 1, of a place in the text. */
export function lineOf(text: string, index: number): number {
  return text.slice(0, index).split("\n").length;
}

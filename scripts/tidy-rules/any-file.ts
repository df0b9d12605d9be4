import { at, inLines, type SourceFile, TELLING, type Violation } from "./violation.ts";

const LINES_MAX = 450;

/** A drawer for everything says nothing of what lies in it. */
const DRAWERS = /(?:^|\/)(?:utils?|helpers?|types|common|interfaces|misc)(?:\/|\.[jt]s$)/;

const UNFINISHED = /\b(?:TODO|FIXME|XXX)\b/;

/** Words with another one that this project uses in their place. */
const WORDS: ReadonlyMap<RegExp, string> = new Map([
  [/\bre-?queu\w*/i, "released, rescued or retried: say which"],
  [/\breap(?:er|s|ed|ing)?\b/i, "rescue"],
  [/\bzombies?\b/i, "lease lost"],
  [/\b(?:purg|prun)(?:e|es|ed|ing|er)\b/i, "retention, drop or expire"],
  [/\bde-?queue\w*/i, "claim"],
  [/\b(?:white|black)list\w*/i, "allowed or refused"],
  [/\b(?:previously|currently)\b/i, "what is, in the present tense; history belongs to git"],
]);

/** What holds for every text of the repository. */
export function checkAnyFile(file: SourceFile): Violation[] {
  const { path, lines, text } = file;
  const violations = [...inLines(file, lines, /[ \t]+$/, "blanks at the end of the line")];
  if (DRAWERS.test(path)) {
    violations.push(at(file, 1, "a folder or file is named for its duty"));
  }
  if (!text.endsWith("\n") || text.endsWith("\n\n")) {
    violations.push(at(file, lines.length, "expected one newline at the end"));
  }
  const count = lines.length - 1;
  if (/\.(?:sql|ts|js)$/.test(path) && count > LINES_MAX) {
    violations.push(at(file, count, `${count} lines; no file has more than ${LINES_MAX}`));
  }
  return TELLING.test(path) ? violations : [...violations, ...checkWords(file)];
}

function checkWords(file: SourceFile): Violation[] {
  const unfinished = inLines(
    file,
    file.lines,
    UNFINISHED,
    (found) => `${found}: what is not done is an issue`,
  );
  if (!/\.(?:sql|ts|js)$/.test(file.path)) {
    return unfinished;
  }
  const words = [...WORDS].flatMap(([pattern, other]) =>
    inLines(file, file.lines, pattern, (found) => `${found}: say ${other}`),
  );
  return [...unfinished, ...words];
}

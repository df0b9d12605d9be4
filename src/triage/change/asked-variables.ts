// Whether code asks if a variable of the environment is there: what it asks about it can do
// without. A wall: a scanner of lines, without the words that env-findings.ts has for findings.

/** `dsn` of `const dsn = process.env.DSN`; null where a line gives what it reads to nothing. */
export function boundName(text: string): string | null {
  const equals = text.indexOf("=");
  const given = text.slice(equals + 1).trimStart();
  if (equals === -1 || !/^(?:process\.env|os)\b/.test(given)) return null;
  const [named = ""] = text.slice(0, equals).split(":", 1);
  const name = named.trim().split(/\s+/).at(-1) ?? "";
  return /^[\w$]+$/.test(name) ? name : null;
}

/**
 * Whether lines go another way where a name has no value (`if (dsn) start(dsn)`, `dsn ? a : b`,
 * `dsn || other`), and none tells its absence from the rest (`if (!dsn) throw …`).
 */
export function isAskedAbout(name: string, lines: readonly { readonly text: string }[]): boolean {
  const uses = lines.flatMap(({ text }) =>
    text.includes(name)
      ? [...text.matchAll(/[\w$]+/g)]
          .filter(([word]) => word === name)
          .map(({ index }) => ({
            before: text.slice(0, index).trimEnd(),
            after: text.slice(index + name.length).trimStart(),
          }))
      : [],
  );
  return uses.some(isQuestion) && !uses.some(isAbsence);
}

type Use = { readonly before: string; readonly after: string };

function isQuestion({ before, after }: Use): boolean {
  const isWay = /^(?:&&|\|\||\?\?|\?(?!\.))/.test(after);
  return isWay || (/\bif\s?\(?$/.test(before) && /^[):]/.test(after));
}

function isAbsence({ before, after }: Use): boolean {
  return (
    /(?:!|\bnot)$/.test(before) || /^(?:={2,3}|is)\s{0,8}(?:undefined|null|None)\b/.test(after)
  );
}

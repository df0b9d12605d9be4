import { wordsOf } from "../change/words.ts";
import type { ChangedFile } from "../change-set.ts";

const SECRET_WORDS = ["secret", "secrets", "password", "passwd", "credential", "credentials"];
const SECRET_PAIRS = [
  ["api", "key"],
  ["private", "key"],
  ["access", "token"],
  ["auth", "token"],
];
/** A name and a literal of some length: `DB_PASSWORD = "hunter2!"`. */
const LITERAL = /[:=]\s*["']([^"'${}<>\s]+)["']/g;
const LITERAL_CHARS_MIN = 6;
const ENV_LITERAL = /^\s*(?:ENV\s+|export\s+)?([A-Za-z_]\w*)=([^\s"'${}<>]{6,})\s*$/;
const IGNORED_SECRETS = /(?:^|\/)\*?\.?(?:env|pem|key|p12|npmrc|netrc|htpasswd)(?:[.*]|$)/;

/**
 * Whether a change takes better care of secrets: one that stood in the file goes, a build gets
 * it by a mount, files that hold some are ignored.
 */
export function handlesSecrets({ path, added, removed }: ChangedFile): boolean {
  const came = added.map(({ text }) => text);
  const gone = removed.map(({ text }) => text);
  if (gone.some(isHardCoded) && !came.some(isHardCoded)) return true;
  if (came.some((text) => /--mount=type=secret\b/.test(text))) return true;
  const isIgnoreFile = /(?:^|\/)\.(?:git|docker|npm)ignore$/.test(path);
  return isIgnoreFile && came.some((text) => IGNORED_SECRETS.test(text.trim()));
}

function isHardCoded(line: string): boolean {
  const name = literalName(line) ?? ENV_LITERAL.exec(line)?.[1];
  if (name === undefined) return false;
  const words = new Set(wordsOf(name));
  return (
    SECRET_WORDS.some((word) => words.has(word)) ||
    SECRET_PAIRS.some((pair) => pair.every((word) => words.has(word)))
  );
}

/** The name that a literal is given to: what stands before the sign, perhaps in quotes. */
function literalName(line: string): string | undefined {
  LITERAL.lastIndex = 0;
  for (let found = LITERAL.exec(line); found !== null; found = LITERAL.exec(line)) {
    // What is none may begin within.
    LITERAL.lastIndex = found.index + 1;
    if ((found[1] ?? "").length < LITERAL_CHARS_MIN) continue;
    let end = found.index;
    while (end > 0 && /\s/.test(line.charAt(end - 1))) end--;
    if (/["']/.test(line.charAt(end - 1))) end--;
    let start = end;
    while (start > 0 && /[\w-]/.test(line.charAt(start - 1))) start--;
    if (start < end) return line.slice(start, end);
  }
  return undefined;
}

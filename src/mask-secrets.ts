/**
 * The text with the password of every connection string in it replaced by `****`. Error
 * messages of drivers and tools quote such strings, so everything printed goes through here.
 * Rather too much than too little: an @ later in the same word ends the password.
 * JSON stays JSON: an escaped quote does not lose its backslash.
 */
export function maskSecrets(text: string): string {
  if (!text.includes("://") && !text.includes("password")) {
    return text;
  }
  return text
    .replaceAll(WORD, (word) => (word.includes("://") ? withoutPassword(word) : word))
    .replaceAll(/(password=)(?:\\\S|[^\s&"'\\])+/gi, "$1****");
}

/** A backslash takes what it escapes along: in JSON a quote behind one ends no word. */
const WORD = /(?:\\\S|[^\s"'\\])+/g;
const SCHEME_CHARACTER = /[a-z0-9+.-]/i;
const USER = /[^:/@?#]*:/y;

/** One pass over a word: messages may be long, and a stranger may have chosen their words. */
function withoutPassword(word: string): string {
  const end = word.lastIndexOf("@");
  for (let at = word.indexOf("://"); at !== -1 && at < end; at = word.indexOf("://", at + 3)) {
    USER.lastIndex = at + 3;
    const user = USER.exec(word);
    const start = user === null ? end : user.index + user[0].length;
    if (start < end && endsInScheme(word, at))
      return `${word.slice(0, start)}****${word.slice(end)}`;
  }
  return word;
}

/** Whether the characters before a place are those of a scheme, with a letter to begin with. */
function endsInScheme(word: string, end: number): boolean {
  for (let at = end - 1; at >= 0 && SCHEME_CHARACTER.test(word.charAt(at)); at--) {
    if (/[a-z]/i.test(word.charAt(at))) return true;
  }
  return false;
}

const QUOTE = /["'`]/g;

/**
 * What stands in the quotes of a line, from the left. A backslash takes the character behind it
 * along. A quote without a second one is a character like others.
 */
export function quotedIn(text: string): string[] {
  const found: string[] = [];
  /** Quotes that nothing closes from here on: from a later place nothing does either. */
  const open = new Set<string>();
  let from = 0;
  for (;;) {
    QUOTE.lastIndex = from;
    const start = QUOTE.exec(text);
    if (start === null) return found;
    const quote = start[0];
    const end = open.has(quote) ? -1 : closing(text, quote, start.index + 1);
    if (end === -1) {
      open.add(quote);
      from = start.index + 1;
    } else {
      found.push(text.slice(start.index + 1, end));
      from = end + 1;
    }
  }
}

function closing(text: string, quote: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === quote) return at;
    if (character === "\\") at++;
  }
  return -1;
}

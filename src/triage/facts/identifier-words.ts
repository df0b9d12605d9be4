/**
 * The words of a text in lower case, with identifiers taken apart: `X-API-Key`, `apiKey` and
 * `API_KEY` all hold `api` and `key`; `author` does not hold `auth`.
 */
export function wordsOf(text: string): string[] {
  return text
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1 $2")
    .replaceAll(/([A-Z])([A-Z][a-z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== "");
}

/** Whether a text holds a word, or words next to each other, as a whole. */
export function hasWords(text: string, words: string): boolean {
  const wanted = wordsOf(words).join(" ");
  return wanted !== "" && ` ${wordsOf(text).join(" ")} `.includes(` ${wanted} `);
}

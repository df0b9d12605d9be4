/**
 * The text without any of some characters at its end. One pass from behind, where `/[x]+$/` begins
 * again at each of them: a million slashes that are not at the end would take it an hour.
 */
export function withoutEnd(text: string, characters: string): string {
  let end = text.length;
  while (end > 0 && characters.includes(text.charAt(end - 1))) end--;
  return text.slice(0, end);
}

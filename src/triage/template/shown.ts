/** A text of a repository for people: one that can be stored, and of bounded length. */
export function shown(text: string, lengthMax: number): string {
  const plain = text
    .replaceAll(/\p{Cc}/gu, (found) => (/[\n\t]/.test(found) ? found : ""))
    .toWellFormed();
  return plain.length <= lengthMax ? plain : `${plain.slice(0, lengthMax - 1).toWellFormed()}…`;
}

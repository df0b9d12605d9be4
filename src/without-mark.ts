/** The text without the byte order mark that some editors put first. */
export function withoutMark(text: string): string {
  return text.replace(/^\uFEFF/, "");
}

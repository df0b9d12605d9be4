/** Text that a PostgreSQL text or jsonb column takes: no NUL, no half of a surrogate pair. */
export function storableText(text: string): string {
  return text.toWellFormed().replaceAll("\0", "\u{FFFD}");
}

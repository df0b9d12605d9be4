/** What a person or a pipe asked for, on stdout. */
export function print(text: string): void {
  process.stdout.write(text.endsWith("\n") ? text : `${text}\n`);
}

/** What happens meanwhile, on stderr. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** JSON on stdout, indented where a person reads it. */
export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, process.stdout.isTTY ? 2 : undefined));
}

/**
 * An id, which is text in the program, as a number, which is how a reader of JSON compares
 * it. One above 2^53, which a JavaScript number cannot hold, stays text.
 */
export function numericId(id: string): number | string {
  return Number.isSafeInteger(Number(id)) ? Number(id) : id;
}

/** The row with its ids as numbers. */
export function withNumericIds(row: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      name.endsWith("_id") && typeof value === "string" ? numericId(value) : value,
    ]),
  );
}

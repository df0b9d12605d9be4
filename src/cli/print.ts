// The door to the terminal. Names, errors and results are the words of others: none of them
// drives the terminal, whoever forgets what he prints.
import { visibleJson, visibleText } from "../foreign-text.ts";
import { toJson } from "../json.ts";

/** What a person or a pipe asked for, on stdout. */
export function print(text: string): void {
  const shown = visibleText(text);
  process.stdout.write(shown.endsWith("\n") ? shown : `${shown}\n`);
}

/** What happens meanwhile, on stderr. */
export function note(text: string): void {
  process.stderr.write(`${visibleText(text)}\n`);
}

/** JSON on stdout, indented where a person reads it. */
export function printJson(value: unknown): void {
  const json = toJson(value, process.stdout.isTTY ? 2 : undefined);
  process.stdout.write(`${visibleJson(json)}\n`);
}

/** A JSON text of many lines, for a file. */
export function printDocument(json: string): void {
  process.stdout.write(visibleJson(json));
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

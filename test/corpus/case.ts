import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import { CLASSES, type Class } from "./class.ts";

/** The folder of the corpus: its packages, and a folder of `cases/` for each upgrade. */
export const CORPUS = path.join(import.meta.dirname, "");

const label = z.strictObject({
  package: z.string(),
  from: z.string(),
  to: z.string(),
  class: z.enum(CLASSES),
  /** What changed in the package, and what of it the consumer meets. */
  why: z.string().min(1),
});

/** A real upgrade of a real package, a consumer of our own, and what is right to say of them. */
export type Case = z.output<typeof label> & {
  readonly name: string;
  /** The consumer's folder, absolute. */
  readonly folder: string;
};

/** The cases by class, then by name. Throws for a folder whose case.json is no label. */
export function readCases(corpus: string = CORPUS): Case[] {
  const folder = path.join(corpus, "cases");
  return readdirSync(folder)
    .map((name) => readCase(path.join(folder, name)))
    .toSorted((left, right) => rank(left.class) - rank(right.class) || compare(left, right));
}

export function readCase(folder: string): Case {
  const file = path.join(folder, "case.json");
  const parsed = label.safeParse(existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : null);
  if (parsed.success) return { ...parsed.data, name: path.basename(folder), folder };
  throw new TypeError(`${file}: ${z.prettifyError(parsed.error)}`);
}

function rank(of: Class): number {
  return CLASSES.indexOf(of);
}

function compare(left: Case, right: Case): number {
  return left.name < right.name ? -1 : 1;
}

import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";

/** The folder of the corpus: a folder of `cases/` for each change. */
const CORPUS = import.meta.dirname;
/**
 * Where the packages of the corpus are listed and installed: apart from its code, which would find
 * them in place of its own.
 */
export const PACKAGES = path.join(CORPUS, "packages");

/** What a change is to one consumer. */
export const CLASSES = ["breaking and used", "breaking, not used", "not breaking"] as const;
export type Class = (typeof CLASSES)[number];

/** What makes a case hard to judge, or that nothing does; docs/corpus.md says more of each. */
export const KINDS = [
  "use without import",
  "use in other files",
  "consumer's program",
  "printed types",
  "module format",
  "commonjs entry",
  "subject",
  "reason unsaid",
  "issue text",
  "service",
  "template",
  "ranges",
  "everyday",
] as const;
export type Kind = (typeof KINDS)[number];

/** Where the consumer meets a break, and the names of which any says what breaks there. */
const place = z.strictObject({
  path: z.string(),
  /** Null: the file as a whole. */
  line: z.int().positive().nullable(),
  symbols: z.array(z.string().min(1)).min(1),
  /** What the compiler or Node says there. Absent where a person says it. */
  says: z.string().optional(),
});
export type Place = z.output<typeof place>;

const ran = z.strictObject({
  /** Null: it did not end in time. */
  exit: z.int().nullable(),
  says: z.string(),
});

const truth = z.strictObject({
  /** What established it; "reading" is a person's word, with a reason in `because`. */
  by: z.enum(["compiler", "node", "compiler and node", "manifest", "reading"]),
  /** Whether the consumer's compiler, its code or its scripts reach a file of the package. */
  reached: z.boolean(),
  at: z.array(place),
  compiler: z
    .strictObject({
      version: z.string(),
      command: z.string(),
      /** How many it reports with the old version; all of them are left out of `at`. */
      errors_before: z.int(),
      errors_new: z.int(),
    })
    .optional(),
  node: z.strictObject({ command: z.string(), before: ran, after: ran }).optional(),
  manifest: z.string().optional(),
  because: z.string().optional(),
});
export type Truth = z.output<typeof truth>;

const label = {
  kind: z.enum(KINDS),
  /** Whether rules were written with an eye on this case. */
  used_for_rules: z.boolean(),
  class: z.enum(CLASSES),
  /** What changed, and what of it the consumer meets. */
  why: z.string().min(1),
  truth,
};
const upgrade = z.strictObject({
  package: z.string(),
  from: z.string(),
  to: z.string(),
  ...label,
  /** Arguments of `node` that run the consumer; absent for one that only compiles. */
  run: z.array(z.string()).min(1).optional(),
  /** Settings files that its compiler is started with. @default its tsconfig.json files */
  projects: z.array(z.string()).min(1).optional(),
  /** Where it breaks, for a break that has no error message with a place. */
  at: z.array(place).optional(),
});
const commits = z.strictObject({
  /** Files of `before/` that `after/` does not have. */
  removed: z.array(z.string()).default([]),
  message: z.string().default("change"),
  /** Keys of relationship_config. */
  relationship: z.record(z.string(), z.unknown()).default({}),
});
const service = z.strictObject({ service: commits, ...label });
const template = z.strictObject({
  template: commits.extend({ history: z.enum(["fork", "copy"]) }),
  ...label,
});

const anyCase = z.union([upgrade, service, template]);
type Told = { readonly name: string; readonly folder: string };

/** An upgrade of a real package, and a consumer of our own. */
export type UpgradeCase = z.output<typeof upgrade> & Told;
/** A change of a service or of a template, and a repository that depends on it. */
export type ServiceCase = z.output<typeof service> & Told;
export type TemplateCase = z.output<typeof template> & Told;

/** A change, who meets it, and what is right to say. `folder` is absolute. */
export type Case = UpgradeCase | ServiceCase | TemplateCase;

/** Whether a consumer of this class has something to do. */
export function requiresAction(of: Class): boolean {
  return of === "breaking and used";
}

export function isUpgrade(one: Case): one is UpgradeCase {
  return "package" in one;
}

/** What changes, in a word or two. */
export function titleOf(one: Case): string {
  if (isUpgrade(one)) return `${one.package} ${one.from} → ${one.to}`;
  return "service" in one ? "a service" : `a template, ${one.template.history}`;
}

/** The cases by kind, then by name. Throws for a folder whose case.json is none. */
export function readCases(corpus: string = CORPUS): Case[] {
  const folder = path.join(corpus, "cases");
  return readdirSync(folder)
    .map((name) => readCase(path.join(folder, name)))
    .toSorted((left, right) => rank(left) - rank(right) || (left.name < right.name ? -1 : 1));
}

export function readCase(folder: string): Case {
  const file = path.join(folder, "case.json");
  const parsed = anyCase.safeParse(
    existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : null,
  );
  if (parsed.success) return { ...parsed.data, name: path.basename(folder), folder };
  throw new TypeError(`${file}: ${z.prettifyError(parsed.error)}`);
}

function rank({ kind }: Case): number {
  return KINDS.indexOf(kind);
}

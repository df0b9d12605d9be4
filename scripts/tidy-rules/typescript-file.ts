import { inLines, type SourceFile, TELLING, type Violation } from "./violation.ts";

type Rule = {
  /** Where it holds. */
  readonly where: RegExp;
  readonly pattern: RegExp;
  readonly message: string;
};

const RULES: readonly Rule[] = [
  {
    // The linter's rule passes over signal handlers and all files that import worker_threads.
    where: /^(?:src\/(?!cli\/main\.ts$)|tasks\/|examples\/)/,
    pattern: /\bprocess\.exit\(/,
    message: "process.exit() is for src/cli/main.ts: elsewhere it cuts off what is being written",
  },
  {
    where: /^src\/triage\//,
    pattern: /\bts\.sys\b|\bcreate\w*CompilerHost\(|\bts\.findConfigFile\(/,
    message: "the compiler sees what a Fence lets through: fencedHost, never a host of its own",
  },
  {
    where: /./,
    pattern: /(?:oxlint|eslint)-disable(?!.* -- \S)/,
    message: "a suppression carries its reason, behind --",
  },
  {
    where: /./,
    pattern: /^(?!.*(?:oxlint-disable|https?:))\s*(?:\/\/|\/?\*).{98,}$/,
    message: "a comment of more than 100 columns",
  },
];

/** The rules for TypeScript that the linter does not know. */
export function checkTypescriptFile(file: SourceFile): Violation[] {
  if (TELLING.test(file.path)) {
    return [];
  }
  // What stands in a template is no code.
  const lines = file.lines.map((line) => line.replaceAll(/`[^`]*`/g, "``"));
  return RULES.filter(({ where }) => where.test(file.path)).flatMap(({ pattern, message }) =>
    inLines(file, lines, pattern, message),
  );
}

import { inLines, type SourceFile, TELLING, type Violation } from "./violation.ts";

type Rule = {
  /** Where it holds. */
  readonly where: RegExp;
  /** Files within that may do it all the same. */
  readonly except?: readonly string[];
  readonly pattern: RegExp;
  readonly message: string;
};

const RULES: readonly Rule[] = [
  {
    where: /^(?:src|bin|tasks|examples)\//,
    except: ["src/cli/main.ts", "bin/triaged.js"],
    pattern: /\bprocess\.exit\(/,
    message: "process.exit() is for src/cli/main.ts: elsewhere it cuts off what is being written",
  },
  {
    where: /^src\/triage\//,
    pattern: /\bts\.sys\b|\bcreate\w*CompilerHost\(|\bts\.findConfigFile\(/,
    message: "the compiler sees what a Fence lets through: fencedHost, never a host of its own",
  },
  {
    where: /^src\/triage\/(?:facts|change|compiler|consumer|surface|verdict)\//,
    // It lists folders, without following links, and reads what it lists through a fence.
    except: ["src/triage/consumer/consumer-files.ts"],
    pattern: /^import .*\bfrom "(?:node:)?fs(?:\/promises)?"/,
    message: "what strangers wrote is read through a Fence: a path of theirs may lead anywhere",
  },
  { where: /./, pattern: /@ts-ignore/, message: "@ts-expect-error with a reason" },
  {
    where: /./,
    pattern: /(?:oxlint|eslint)-disable(?!.* -- \S)/,
    message: "a suppression carries its reason, behind --",
  },
  {
    where: /./,
    pattern: /@ts-expect-error\s*$/,
    message: "a suppression carries its reason",
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
  return RULES.filter(({ where }) => where.test(file.path))
    .filter(({ except }) => except?.includes(file.path) !== true)
    .flatMap(({ pattern, message }) => inLines(file, lines, pattern, message));
}

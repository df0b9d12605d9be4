import { wordsOf } from "../change/words.ts";
import type { ChangedFile } from "../change-set.ts";
import { bumpsDependency } from "./dependency-bump.ts";
import { handlesSecrets } from "./secret-handling.ts";

/** What a change is for, the gravest first. */
export const INTENTS = ["security", "fix", "feature", "chore"] as const;
export type Intent = (typeof INTENTS)[number];

/** What a change of a file is for: by the messages of its commits, and by its lines. */
export function intentOf(file: ChangedFile, messages: readonly string[]): Intent {
  if (handlesSecrets(file) || bumpsDependency(file)) return "security";
  return gravest(messages.map(messageIntent));
}

const SECURITY_WORDS = ["security", "vulnerability", "vulnerabilities", "xss", "csrf", "ssrf"];
const FIX_WORDS = ["fix", "fixes", "fixed", "bugfix", "hotfix", "bug", "repair", "repairs"];
/** `feat(api)!: …`, as Conventional Commits write it. */
const TYPE = /^(\w+)(?:\([^)]*\))?!?:\s/;

/** What a commit is for, by its message. Without a type, the words of its subject decide. */
export function messageIntent(message: string): Intent {
  if (/\b(?:CVE-\d{4}-\d{3,}|GHSA(?:-[\da-z]{4}){3})\b/i.test(message)) return "security";
  const words = new Set(wordsOf(message));
  if (SECURITY_WORDS.some((word) => words.has(word))) return "security";
  const subject = message.trimStart().split("\n", 1)[0] ?? "";
  const type = TYPE.exec(subject)?.[1]?.toLowerCase();
  if (type === undefined) {
    const subjectWords = new Set(wordsOf(subject));
    return FIX_WORDS.some((word) => subjectWords.has(word)) ? "fix" : "chore";
  }
  if (type === "sec") return "security";
  if (["fix", "bugfix", "hotfix", "revert"].includes(type)) return "fix";
  return ["feat", "feature", "perf"].includes(type) ? "feature" : "chore";
}

function gravest(intents: readonly Intent[]): Intent {
  return INTENTS.find((intent) => intents.includes(intent)) ?? "chore";
}

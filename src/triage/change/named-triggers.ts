import { TRIGGERS, type Trigger } from "../finding.ts";
import { wordsOf } from "./words.ts";

/** Words by which producers name a concern. */
const WORDS: Record<Trigger, readonly string[]> = {
  api_contract: ["api", "contract", "schema", "interface"],
  endpoints: ["endpoint", "endpoints", "route", "routes", "path", "url"],
  authentication: ["auth", "authentication", "token", "credential", "credentials", "login"],
  deployment: ["docker", "deploy", "deployment", "port", "host", "kubernetes", "k8s", "compose"],
  configuration: ["config", "configuration", "setting", "settings", "env", "environment"],
};

const TEXTS_MAX = 500;

/**
 * The concerns that a producer's `pattern_summary` names, whatever its shape. They are told,
 * and decide nothing: what a summary leaves out is no less true.
 */
export function namedTriggers(summary: unknown): Trigger[] {
  const words = new Set(textsIn(summary, []).flatMap((text) => wordsOf(text.slice(0, 1_000))));
  return TRIGGERS.filter((trigger) => WORDS[trigger].some((word) => words.has(word)));
}

function textsIn(value: unknown, texts: string[]): string[] {
  if (texts.length >= TEXTS_MAX) return texts;
  if (typeof value === "string") texts.push(value);
  else if (typeof value === "object" && value !== null) {
    for (const inner of Object.values(value)) textsIn(inner, texts);
  }
  return texts;
}

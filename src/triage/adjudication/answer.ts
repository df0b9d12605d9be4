import { z } from "zod";
import { visibleText } from "../../foreign-text.ts";
import { URGENCIES } from "../verdict/urgency.ts";

/** Control characters, and those that turn the direction of what follows: each leaves a gap. */
const TURNING = /[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu;

function turned(found: string): string {
  return found === "\n" ? found : " ";
}

function words(max: number) {
  return z
    .string()
    .max(max)
    .transform((text) => visibleText(text.replaceAll(TURNING, turned)).trim());
}

/** What a model may answer: the keys that every result has had, each within limits. */
const modelAnswer = z.object({
  requires_action: z.boolean(),
  urgency: z.enum(URGENCIES),
  impact_summary: words(2_000).pipe(z.string().min(1)),
  affected_files: z.array(z.string().max(1_000)).max(500),
  recommended_changes: words(10_000),
  confidence: z.number().min(0).max(1),
  reasoning: words(4_000),
});
export type ModelAnswer = z.output<typeof modelAnswer>;

/** Thrown: an answer cannot be used. The message holds nothing of it but keys of ours. */
export class UnusableAnswer extends Error {
  override readonly name = "UnusableAnswer";
}

/** Read a model's text: JSON, alone or between other words. Throws an UnusableAnswer. */
export function parseAnswer(text: string): ModelAnswer {
  const parsed = modelAnswer.safeParse(jsonIn(text));
  if (parsed.success) return parsed.data;
  const keys = new Set(parsed.error.issues.map(({ path }) => String(path[0] ?? "the object")));
  throw new UnusableAnswer(`the answer has no usable ${[...keys].join(", ")}`);
}

function jsonIn(text: string): unknown {
  const start = text.indexOf("{");
  const end = text.lastIndexOf("}");
  try {
    return JSON.parse(text.slice(start, end + 1));
  } catch {
    throw new UnusableAnswer("the answer is not JSON");
  }
}

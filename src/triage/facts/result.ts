import { z } from "zod";
import { storableText } from "../../index.ts";
import { BREAKING, PROVEN_BY, TRIGGERS, URGENCIES, USAGES } from "./finding.ts";

const location = z.object({ path: z.string(), line: z.int().positive() });

const finding = z.object({
  id: z.string(),
  rule: z.string(),
  trigger: z.enum(TRIGGERS),
  breaking: z.enum(BREAKING),
  subject: z.string(),
  before: z.string().nullable(),
  after: z.string().nullable(),
  replacement: z.string().nullable(),
  /** What of the consumer's own is held against it, such as its range. */
  own: z.string().nullable().optional(),
  /** What the release says of itself. */
  notes: z.string().nullable().optional(),
  /** What of a step of the version number was compared, or could not be. */
  compared: z.string().nullable().optional(),
  /** Of everything that breaks, the fact that it breaks by. */
  proof: z
    .object({ by: z.enum(PROVEN_BY), text: z.string() })
    .nullable()
    .optional(),
  provider: location.extend({ line: location.shape.line.nullable() }).nullable(),
  usage: z.enum(USAGES),
  hits: z.array(location),
});

const ancestry = z.object({
  /** Null: they share no history, or it is not known. */
  merge_base: z.string().nullable(),
  /** Commits of the template before the change that the derivative lacks. */
  behind: z.int(),
  /** Commits of the change that the derivative has ported. */
  ported: z.array(z.string()),
  /** What the derivative has done to the same files; null: nothing, or nobody asked. */
  own_changes: z
    .object({
      base_sha: z.string(),
      head_sha: z.string(),
      message: z.string(),
      commits: z.int(),
      paths: z.array(z.string()),
    })
    .nullable(),
});

const evidence = z.object({
  mode: z.enum(["git", "npm", "payload"]),
  source: z.object({ repo: z.string(), base_sha: z.string(), head_sha: z.string() }),
  target: z.object({ repo: z.string(), sha: z.string() }),
  usage: z.enum(USAGES),
  /** Null where the source is a service and no package. */
  exposure: z
    .object({
      range: z.string().nullable(),
      resolved: z.string().nullable(),
      new: z.string(),
      satisfies: z.boolean().nullable(),
    })
    .nullable(),
  findings: z.array(finding),
  diagnostics: z.array(
    location.extend({
      code: z.string(),
      message: z.string(),
      /** What the person wrote there. */
      subject: z.string().optional(),
    }),
  ),
  files: z.array(z.unknown()),
  /** Of a template and its derivative: what their histories have to do with each other. */
  ancestry: ancestry.optional(),
  /** What the knowledge base was asked, and what came of it; absent where none is set. */
  context: z
    .object({
      from: z.string(),
      repo: z.string(),
      status: z.enum(["found", "none", "unavailable"]),
      /** Of `architecture_context`. */
      sha256: z.string().nullable(),
      reason: z.string().optional(),
    })
    .optional(),
  truncated: z.boolean(),
  degraded: z.array(z.string()),
  caps_hit: z.array(z.string()),
});

/**
 * A verdict with its evidence. The first eight keys are what consumers of the older
 * systems read; the same inputs give the same bytes, except for `cache` and `duration_ms`.
 */
export const triageResult = z.object({
  requires_action: z.boolean(),
  urgency: z.enum(URGENCIES),
  impact_summary: z.string(),
  affected_files: z.array(z.string()),
  recommended_changes: z.string(),
  confidence: z.number().min(0).max(1),
  reasoning: z.string(),
  architecture_context: z.string(),
  schema_version: z.literal(1),
  analyzer: z.object({ handler: z.string(), version: z.string() }),
  evidence,
  artifacts: z.array(z.unknown()),
  cache: z.object({ hit: z.boolean(), key: z.string() }),
  /** Milliseconds, wall clock. */
  duration_ms: z.int().nonnegative(),
  adjudication: z.object({
    used: z.boolean(),
    model: z.string().nullable(),
    input_tokens: z.int(),
    output_tokens: z.int(),
    changed: z.array(z.string()),
    /** Why the rules decide although the model was asked. */
    error: z.string().optional(),
  }),
});
export type TriageResult = z.output<typeof triageResult>;

/** What the rules come to, before a cache, a model or a knowledge base had a part in it. */
type RulesResult = Omit<
  TriageResult,
  "architecture_context" | "schema_version" | "cache" | "adjudication"
> & { readonly cacheKey: string };

/** A result of the rules, its keys in the order in which every result has them. */
export function resultOfRules(parts: RulesResult): TriageResult {
  return {
    requires_action: parts.requires_action,
    urgency: parts.urgency,
    impact_summary: parts.impact_summary,
    affected_files: parts.affected_files,
    recommended_changes: parts.recommended_changes,
    confidence: parts.confidence,
    reasoning: parts.reasoning,
    architecture_context: "",
    schema_version: 1,
    analyzer: parts.analyzer,
    evidence: parts.evidence,
    artifacts: parts.artifacts,
    cache: { hit: false, key: parts.cacheKey },
    duration_ms: parts.duration_ms,
    adjudication: { used: false, model: null, input_tokens: 0, output_tokens: 0, changed: [] },
  };
}

/**
 * The value with texts that PostgreSQL can store. What repositories hold may have a NUL far into
 * a file, and a text that was cut may end in half of a character: neither may cost a verdict.
 */
export function storableValue<Value>(value: Value): Value {
  const text = JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === "string" ? storableText(inner) : inner,
  );
  const parsed: Value = JSON.parse(text);
  return parsed;
}

/** A text of a repository for people: one that can be stored, and of bounded length. */
export function displayText(text: string, lengthMax: number): string {
  const plain = text
    .replaceAll(/\p{Cc}/gu, (found) => (/[\n\t]/.test(found) ? found : ""))
    .toWellFormed();
  return plain.length <= lengthMax ? plain : `${plain.slice(0, lengthMax - 1).toWellFormed()}…`;
}

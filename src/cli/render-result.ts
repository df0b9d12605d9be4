import { z } from "zod";
import { formatValue } from "./format.ts";
import { plain } from "./table.ts";

/** As far as a triage verdict is worth a person's first look; docs have the whole shape. */
const Verdict = z.looseObject({
  requires_action: z.boolean(),
  urgency: z.string(),
  impact_summary: z.string(),
  confidence: z.number(),
  affected_files: z.array(z.string()).default([]),
  recommended_changes: z.string().default(""),
});

/** The result of a task for a person: a triage verdict in words, anything else as JSON. */
export function renderResult(result: unknown): string {
  const verdict = Verdict.safeParse(result);
  if (!verdict.success) {
    return plain(formatValue(result));
  }
  const { requires_action, urgency, impact_summary, confidence, ...rest } = verdict.data;
  return plain(
    [
      `${requires_action ? "requires action" : "no action required"}, ` +
        `urgency ${urgency}, confidence ${confidence}`,
      impact_summary,
      rest.recommended_changes,
      rest.affected_files.length === 0 ? "" : `affected: ${rest.affected_files.join(", ")}`,
    ]
      .filter((part) => part !== "")
      .join("\n\n"),
  );
}

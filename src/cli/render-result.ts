import { z } from "zod";
import { visibleLine, visibleText } from "../foreign-text.ts";
import { formatValue } from "./format.ts";

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
    return visibleText(formatValue(result));
  }
  const { requires_action, urgency, impact_summary, confidence, ...rest } = verdict.data;
  return visibleText(
    [
      `${requires_action ? "requires action" : "no action required"}, ` +
        `urgency ${visibleLine(urgency)}, confidence ${confidence}`,
      visibleLine(impact_summary),
      rest.recommended_changes,
      rest.affected_files.length === 0
        ? ""
        : `affected: ${rest.affected_files.map(visibleLine).join(", ")}`,
    ]
      .filter((part) => part !== "")
      .join("\n\n"),
  );
}

/** From least to most urgent. */
export const URGENCIES = ["low", "medium", "high", "critical"] as const;
export type Urgency = (typeof URGENCIES)[number];

/** One step less urgent; low stays low. */
export function stepDown(urgency: Urgency): Urgency {
  return URGENCIES[URGENCIES.indexOf(urgency) - 1] ?? "low";
}

/** The lesser of two urgencies. */
export function urgencyAtMost(urgency: Urgency, most: Urgency): Urgency {
  return URGENCIES.indexOf(urgency) > URGENCIES.indexOf(most) ? most : urgency;
}

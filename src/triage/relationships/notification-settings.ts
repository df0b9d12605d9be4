/**
 * Who is told of a verdict, by its urgency, in the words of the dependency orchestrator. The
 * database keeps them as they came (sql/functions/triage/relationship-settings.sql checks them).
 */
import { z } from "zod";
import { databaseOf, type HandlerContext, isRecord } from "../../index.ts";
import { URGENCIES, type Urgency } from "../facts/finding.ts";
import { readRelationshipSettings } from "../store.ts";
import { besideComments } from "./known-keys.ts";

const ACTIONS = ["create_issue_immediately", "create_issue", "add_to_digest"] as const;
type Action = (typeof ACTIONS)[number];

export type Threshold = {
  readonly action: Action;
  /** Of the issue. */
  readonly labels: readonly string[];
  readonly notify_webhook: boolean;
};
export type Thresholds = Readonly<Record<Urgency, Threshold>>;

/** Where the settings are silent, on all of it or on a part. */
export const DEFAULT_THRESHOLDS: Thresholds = {
  critical: {
    action: "create_issue_immediately",
    labels: ["dependency", "urgent", "breaking-change"],
    notify_webhook: true,
  },
  high: {
    action: "create_issue_immediately",
    labels: ["dependency", "important"],
    notify_webhook: true,
  },
  medium: {
    action: "create_issue",
    labels: ["dependency", "enhancement"],
    notify_webhook: false,
  },
  low: { action: "add_to_digest", labels: ["dependency", "info"], notify_webhook: false },
};

const label = z
  .string()
  .min(1)
  .max(50)
  .regex(/^[^,\p{Cc}]*$/u, { error: "expected a label without commas and control characters" });
const threshold = z.looseObject({
  action: z.enum(ACTIONS).nullish(),
  labels: z.array(label).max(10).nullish(),
  notify_webhook: z.boolean().nullish(),
});

export const notificationSettings = z.looseObject({
  default_urgency_thresholds: besideComments(URGENCIES, threshold.nullish()).nullish(),
  digest_schedule: z.string().nullish(),
});

/** What holds for each urgency under these settings, which the database has checked. */
export function thresholdsOf(settings: unknown): Thresholds {
  const given = isRecord(settings) ? settings["default_urgency_thresholds"] : undefined;
  const of = (urgency: Urgency): Threshold => {
    const { data } = threshold.safeParse(isRecord(given) ? given[urgency] : undefined);
    const usual = DEFAULT_THRESHOLDS[urgency];
    return {
      action: data?.action ?? usual.action,
      labels: data?.labels ?? usual.labels,
      notify_webhook: data?.notify_webhook ?? usual.notify_webhook,
    };
  };
  return { critical: of("critical"), high: of("high"), medium: of("medium"), low: of("low") };
}

/** What holds at this moment: a verdict that is cached is told of by the settings of today. */
export async function readThresholds(context: HandlerContext): Promise<Thresholds> {
  return thresholdsOf(await readRelationshipSettings(databaseOf(context), "notifications"));
}

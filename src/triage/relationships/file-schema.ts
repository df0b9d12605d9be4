import { z } from "zod";
import { TRIGGERS, URGENCIES } from "../facts/finding.ts";
import { besideComments, withoutComments } from "./known-keys.ts";
import { notificationSettings } from "./notification-settings.ts";

const repoName = z
  .string()
  .max(200)
  .regex(/^[\w.][\w.-]*(\/[\w.][\w.-]*)+$/, { error: 'expected a repository like "owner/name"' });
const texts = z.array(z.string());
const common = {
  repo: repoName,
  clone_url: z.string().nullish(),
  on_uncertain: z.enum(["flag", "ask"]).nullish(),
};

const consumer = z.looseObject({
  ...common,
  relationship_type: z.literal("api_consumer").default("api_consumer"),
  interface_files: texts.nullish(),
  change_triggers: z.array(z.enum(TRIGGERS)).nullish(),
  urgency_mapping: besideComments(TRIGGERS, z.enum(URGENCIES)).nullish(),
});

const derivative = z.looseObject({
  ...common,
  relationship_type: z.literal("template_fork").default("template_fork"),
  shared_concerns: texts.nullish(),
  divergent_concerns: texts.nullish(),
  sync_strategy: z.enum(["selective", "all", "security_only"]).nullish(),
  bidirectional: z.boolean().nullish(),
});

/** A name alone stands for an object that says no more. */
function named<Entry extends z.ZodType>(entry: Entry) {
  return z.preprocess((given) => (typeof given === "string" ? { repo: given } : given), entry);
}

const repository = z.looseObject({
  type: z.string().min(1).max(200).nullish(),
  clone_url: z.string().nullish(),
  consumers: z.array(named(consumer)).nullish(),
  derivatives: z.array(named(derivative)).nullish(),
  parent_template: named(derivative).nullish(),
  bidirectional: z.boolean().nullish(),
});

/** What is demanded of the file; what else it holds is kept. */
export const FileSchema = z.looseObject({
  relationships: z.record(repoName, repository),
  notification_settings: notificationSettings.nullish(),
});
export type Repository = z.output<typeof repository>;
export type Consumer = z.output<typeof consumer>;
export type Derivative = z.output<typeof derivative>;

export const urgencyMapping = z
  .record(z.string(), z.unknown())
  .transform(withoutComments)
  .pipe(z.partialRecord(z.enum(TRIGGERS), z.enum(URGENCIES)));
export type UrgencyMapping = z.output<typeof urgencyMapping>;

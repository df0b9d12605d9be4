import { z } from "zod";
import { TRIGGERS } from "../finding.ts";
import { URGENCIES } from "../verdict/urgency.ts";

const repoName = z
  .string()
  .max(200)
  .regex(/^[\w.][\w.-]*(\/[\w.][\w.-]*)+$/, { error: 'expected a repository like "owner/name"' });
const texts = z.array(z.string());
const common = {
  repo: repoName,
  clone_url: z.string().optional(),
  on_uncertain: z.enum(["flag", "ask"]).optional(),
};

const consumer = z.looseObject({
  ...common,
  relationship_type: z.literal("api_consumer").default("api_consumer"),
  interface_files: texts.optional(),
  change_triggers: z.array(z.enum(TRIGGERS)).optional(),
  urgency_mapping: z.partialRecord(z.enum(TRIGGERS), z.enum(URGENCIES)).optional(),
});

const derivative = z.looseObject({
  ...common,
  relationship_type: z.literal("template_fork").default("template_fork"),
  shared_concerns: texts.optional(),
  divergent_concerns: texts.optional(),
  sync_strategy: z.enum(["selective", "all", "security_only"]).optional(),
  bidirectional: z.boolean().optional(),
});

const repository = z.looseObject({
  type: z.string().min(1).max(200).default("service_provider"),
  consumers: z.array(consumer).default([]),
  derivatives: z.array(derivative).default([]),
  parent_template: repoName.nullish(),
  bidirectional: z.boolean().optional(),
});

/** What is demanded of the file; what else it holds is kept. */
export const FileSchema = z.looseObject({ relationships: z.record(repoName, repository) });
export type Repositories = z.output<typeof FileSchema>["relationships"];
export type Consumer = z.output<typeof consumer>;
export type Derivative = z.output<typeof derivative>;

import semver from "semver";
import { z } from "zod";
import { eventFiles } from "./event/change-set-of.ts";
import { TRIGGERS } from "./finding.ts";
import { URGENCIES } from "./verdict/urgency.ts";

const text = z.string().trim().min(1);

const version = z
  .string()
  .transform((value) => semver.valid(value) ?? value)
  .refine((value) => semver.valid(value) !== null, {
    error: 'expected an exact version such as "7.1.1"',
  });

/** An upgrade of an npm package. Relative paths start at the worker's working directory. */
const packageChange = z.looseObject({
  name: text,
  from: version,
  to: version,
  /** Folders that hold the two versions. Absent: installed copies are looked up. */
  from_path: text.optional(),
  to_path: text.optional(),
});

/**
 * What happened in the provider. Producers disagree about nearly everything, so unknown
 * keys are kept, and of the known ones only those that a mode needs are demanded.
 */
const changeEvent = z.looseObject({
  source_repo: text.optional(),
  commit_sha: text.optional(),
  commit_message: z.string().optional(),
  branch: z.string().optional(),
  /** The files of the change, with their diffs. */
  changed_files: eventFiles.nullish(),
  package: packageChange.nullish(),
});

const urgencyMapping = z.partialRecord(z.enum(TRIGGERS), z.enum(URGENCIES));
export type UrgencyMapping = z.output<typeof urgencyMapping>;

const relationshipConfig = z.looseObject({
  /** The consumer's folder; relative to the worker's working directory. */
  path: text.optional(),
  relationship_type: z.string().default("api_consumer"),
  description: z.string().default(""),
  /** Host names at which the consumer reaches the service. */
  hosts: z.array(z.string()).default([]),
  /** Environment variables in which the consumer keeps the service's address. */
  env_names: z.array(z.string()).default([]),
  interface_files: z.array(z.string()).default([]),
  urgency_mapping: urgencyMapping.default({}),
  on_uncertain: z.enum(["flag", "ask"]).default("flag"),
});

/** What `consumer_triage` is asked: does this change of the source break the target? */
export const consumerTriagePayload = z.looseObject({
  source_repo: text,
  target_repo: text,
  change_event: changeEvent,
  relationship_config: relationshipConfig.prefault({}),
});
export type ConsumerTriagePayload = z.output<typeof consumerTriagePayload>;

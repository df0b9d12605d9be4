import { z } from "zod";
import { EVENT_LIMITS } from "../facts/limits.ts";
import { urgencyMapping } from "../relationships/file-schema.ts";
import {
  boundedPayload,
  changedFiles,
  changeEvent,
  eventMessage,
} from "../sources/event/change-event.ts";

const text = z.string().trim().min(1).max(EVENT_LIMITS.urlMax);

/**
 * What happened in the provider, in the words of all producers. A task that is enqueued by
 * hand may say less: of the keys that producers agree on, each mode demands its own.
 */
const toldEvent = changeEvent.extend({
  source_repo: text.optional(),
  commit_sha: text.optional(),
  commit_message: eventMessage.optional(),
  branch: z.string().max(EVENT_LIMITS.nameMax).optional(),
  /** Null: it does not say, which is not that nothing changed. */
  changed_files: changedFiles,
});

const relationshipConfig = z.looseObject({
  /** The consumer's folder; relative to the worker's working directory. */
  path: text.optional(),
  /** Where git gets the two repositories. Absent: below GITHUB_CLONE_BASE. */
  source_clone_url: text.nullish(),
  target_clone_url: text.nullish(),
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
export const consumerTriagePayload = boundedPayload(
  z.looseObject({
    source_repo: text,
    target_repo: text,
    change_event: toldEvent,
    relationship_config: relationshipConfig.prefault({}),
  }),
);
export type ConsumerTriagePayload = z.output<typeof consumerTriagePayload>;

/** A payload in npm mode. */
export type NpmPayload = ConsumerTriagePayload & {
  change_event: { package: NonNullable<ConsumerTriagePayload["change_event"]["package"]> };
};

export function isNpmPayload(payload: ConsumerTriagePayload): payload is NpmPayload {
  return payload.change_event.package != null;
}

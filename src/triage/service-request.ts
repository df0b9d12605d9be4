import type { ServiceRequest } from "./analysis.ts";
import type { ChangeSet } from "./change-set.ts";
import type { ConsumerTriagePayload } from "./payload.ts";
import type { Tree } from "./tree.ts";

type Known = {
  readonly change: ChangeSet;
  /** Null: nobody knows the consumer's files. */
  readonly consumer: Tree | null;
};

/** The analysis of a change of a service, whoever knows the change and the consumer. */
export function serviceRequest(payload: ConsumerTriagePayload, known: Known): ServiceRequest {
  const config = payload.relationship_config;
  return {
    ...known,
    identity: {
      repo: payload.source_repo,
      description: config.description,
      hosts: config.hosts,
      envNames: config.env_names,
      interfaceFiles: config.interface_files,
    },
  };
}

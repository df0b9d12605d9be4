import { resolve } from "node:path";
import { PermanentError } from "../outcome.ts";
import type { ServiceRequest } from "./analysis.ts";
import type { ChangeSet } from "./change-set.ts";
import { changeSetOf } from "./event/change-set-of.ts";
import type { ConsumerTriagePayload } from "./payload.ts";
import type { Tree } from "./tree.ts";

/**
 * The analysis that a payload about a service asks for. Here every mode meets: whoever knows
 * the change and the consumer's tree better than the payload does puts them in. Throws a
 * PermanentError if the event does not say what changed: nothing known is not nothing changed.
 */
export function serviceRequest(
  payload: ConsumerTriagePayload,
  workingDirectory: string,
): ServiceRequest {
  const config = payload.relationship_config;
  return {
    change: changeIn(payload),
    consumer: treeOf(config.path, workingDirectory),
    identity: {
      repo: payload.source_repo,
      description: config.description,
      hosts: config.hosts,
      envNames: config.env_names,
      interfaceFiles: config.interface_files,
    },
  };
}

function changeIn({ change_event }: ConsumerTriagePayload): ChangeSet {
  if (change_event.changed_files == null) {
    throw new PermanentError(
      "expected change_event.changed_files to be the files of the change with their diffs, " +
        "or change_event.package to be {name, from, to}, got neither",
    );
  }
  return changeSetOf(change_event);
}

/** The consumer's folder, whose content has no name; null if the payload gives none. */
function treeOf(path: string | undefined, workingDirectory: string): Tree | null {
  if (path === undefined) return null;
  return { path: resolve(workingDirectory, path), revision: null, capsHit: [] };
}

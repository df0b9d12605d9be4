import { resolve } from "node:path";
import { PermanentError } from "../outcome.ts";
import type { AnalysisRequest } from "./analysis.ts";
import type { ConsumerTriagePayload } from "./payload.ts";

/** A payload in npm mode. */
export type NpmPayload = ConsumerTriagePayload & {
  change_event: { package: NonNullable<ConsumerTriagePayload["change_event"]["package"]> };
};

export function isNpmPayload(payload: ConsumerTriagePayload): payload is NpmPayload {
  return payload.change_event.package != null;
}

/**
 * The analysis that a payload asks for. Throws a PermanentError if it does not say where
 * the consumer is.
 */
export function npmRequest(payload: NpmPayload, workingDirectory: string): AnalysisRequest {
  const change = payload.change_event.package;
  const { path, interface_files: interfaceFiles } = payload.relationship_config;
  if (path === undefined) {
    throw new PermanentError(
      `expected relationship_config.path to be the folder of ${payload.target_repo}, got none; ` +
        "hint: give it absolute, or relative to the folder the worker was started in",
    );
  }
  const absolute = (given: string | undefined): string | null =>
    given === undefined ? null : resolve(workingDirectory, given);
  return {
    package: {
      name: change.name,
      from: change.from,
      to: change.to,
      fromPath: absolute(change.from_path),
      toPath: absolute(change.to_path),
    },
    consumer: { path: resolve(workingDirectory, path), interfaceFiles },
    searchFrom: [workingDirectory, import.meta.dirname],
    depth: "types",
  };
}

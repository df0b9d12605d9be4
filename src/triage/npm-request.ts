import { resolve } from "node:path";
import type { AnalysisRequest } from "./analysis.ts";
import type { ConsumerTriagePayload } from "./payload.ts";
import type { Tree } from "./tree.ts";

/** A payload in npm mode. */
export type NpmPayload = ConsumerTriagePayload & {
  change_event: { package: NonNullable<ConsumerTriagePayload["change_event"]["package"]> };
};

export function isNpmPayload(payload: ConsumerTriagePayload): payload is NpmPayload {
  return payload.change_event.package != null;
}

type Places = { readonly consumer: Tree; readonly workingDirectory: string };

/** The analysis of the package that a payload names. */
export function npmRequest(
  payload: NpmPayload,
  { consumer, workingDirectory }: Places,
): AnalysisRequest {
  const change = payload.change_event.package;
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
    consumer: {
      path: consumer.path,
      revision: consumer.revision,
      interfaceFiles: payload.relationship_config.interface_files,
    },
    searchFrom: [workingDirectory, import.meta.dirname],
    depth: "types",
  };
}

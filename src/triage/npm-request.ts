import { resolve } from "node:path";
import type { AnalysisRequest } from "./analysis.ts";
import { installedAbove } from "./package/installed-folders.ts";
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

/**
 * The consumer's folder, if an operator keeps it: only then is what is installed above it the
 * operator's too. Above a copy of ours are the worker's own files.
 */
export function keptFolders(
  { relationship_config: { path } }: ConsumerTriagePayload,
  workingDirectory: string,
): string[] {
  return path === undefined ? [] : [resolve(workingDirectory, path)];
}

/** The analysis of the package that a payload names. */
export function npmRequest(
  payload: NpmPayload,
  { consumer, workingDirectory }: Places,
): AnalysisRequest {
  const change = payload.change_event.package;
  const absolute = (given: string | undefined): string | null =>
    given === undefined ? null : resolve(workingDirectory, given);
  const fromPath = absolute(change.from_path);
  const toPath = absolute(change.to_path);
  return {
    package: {
      name: change.name,
      from: change.from,
      to: change.to,
      fromPath,
      toPath,
    },
    consumer: {
      path: consumer.path,
      revision: consumer.revision,
      interfaceFiles: payload.relationship_config.interface_files,
    },
    alsoReadable: [
      ...keptFolders(payload, workingDirectory),
      ...[fromPath, toPath].filter((path) => path !== null),
    ].flatMap(installedAbove),
    searchFrom: [workingDirectory, import.meta.dirname],
    depth: "types",
  };
}

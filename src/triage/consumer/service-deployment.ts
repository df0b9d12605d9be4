// How a consumer deploys: the services of its compose files that run the provider's image, and the
// health checks by which a container asks itself. A wall: line scanners with tests of their own.
import { isCompose, isData, isDockerfile } from "../facts/file-kinds.ts";
import type { ConsumerFile } from "./consumer-files.ts";

/** A line of a file, from 1. */
export type NumberedLine = { readonly line: number; readonly text: string };

const HEALTH_KEY = /^(\s*)(?:-\s+)?(?:healthcheck|(?:liveness|readiness|startup)Probe):/;

/**
 * The numbers of the lines that make up health checks: `HEALTHCHECK` with the lines that continue
 * it, and the blocks of compose and Kubernetes.
 */
export function healthCheckLines({ path, text }: ConsumerFile): ReadonlySet<number> {
  if (isDockerfile(path)) return /healthcheck/i.test(text) ? dockerHealthChecks(text) : NONE;
  if (!isData(path) || !/healthcheck|Probe/.test(text)) return NONE;
  const found = new Set<number>();
  let depth: number | null = null;
  for (const { line, text: content } of numbered(text)) {
    const opened = HEALTH_KEY.exec(content);
    if (opened !== null) depth = (opened[1] ?? "").length;
    else if (depth !== null && content.trim() !== "" && indentOf(content) <= depth) depth = null;
    if (depth !== null) found.add(line);
  }
  return found;
}

const NONE: ReadonlySet<number> = new Set();

function dockerHealthChecks(text: string): ReadonlySet<number> {
  const found = new Set<number>();
  let isOpen = false;
  for (const { line, text: content } of numbered(text)) {
    const isPart: boolean = isOpen || /^\s*HEALTHCHECK\s/i.test(content);
    if (isPart) found.add(line);
    isOpen = isPart && /\\\s*$/.test(content);
  }
  return found;
}

/** A service of a compose file. */
export type ComposeService = {
  readonly name: string;
  /** What it runs: see imageOn. */
  readonly runs: readonly string[];
  readonly lines: readonly NumberedLine[];
};

const SERVICE_KEY = /^\s*["']?([\w.-]+)["']?:\s*(?:#.*)?$/;
const COMPOSE_RUN = /^\s*(?:image|build|context):\s*["']?([^\s"'#]+)/;
const IMAGE = /^\s*(?:-\s*)?(?:image:|FROM\s(?:\s*--\S+)*)\s*["']?([^\s"'#]+)/i;

/**
 * What a line runs or builds upon: the last segment of an image without its tag, in a compose file
 * also of the folder that is built. Null: nothing.
 */
export function imageOn(path: string, text: string): string | null {
  const reference = (isCompose(path) ? COMPOSE_RUN : IMAGE).exec(text)?.[1];
  return reference === undefined ? null : lastSegment(reference);
}

/** The services of a compose file, by their indentation; none where it is no compose file. */
export function composeServices({ path, text }: ConsumerFile): ComposeService[] {
  if (!isCompose(path)) return [];
  const services: { name: string; runs: string[]; lines: NumberedLine[] }[] = [];
  let isInside = false;
  let depth: number | null = null;
  for (const one of numbered(text)) {
    if (one.text.trim() === "" || /^\s*#/.test(one.text)) continue;
    const indent = indentOf(one.text);
    if (indent === 0) {
      isInside = /^services:\s*(?:#.*)?$/.test(one.text);
      depth = null;
    } else if (isInside) {
      depth ??= indent;
      const name = indent === depth ? SERVICE_KEY.exec(one.text)?.[1] : undefined;
      if (name !== undefined) services.push({ name, runs: [], lines: [] });
      const service = services.at(-1);
      service?.lines.push(one);
      const run = imageOn(path, one.text);
      if (run !== null) service?.runs.push(run);
    }
  }
  return services;
}

export function numbered(text: string): NumberedLine[] {
  return text.split(/\r?\n/).map((content, index) => ({ line: index + 1, text: content }));
}

function indentOf(text: string): number {
  return text.length - text.trimStart().length;
}

/** `ghcr.io/acme/orders:1@sha256:…` and `../orders/` are `orders`. */
function lastSegment(reference: string): string {
  const path = reference.split("@", 1)[0] ?? "";
  const last = path.split("/").findLast((segment) => segment !== "") ?? "";
  return (last.split(":", 1)[0] ?? "").toLowerCase();
}

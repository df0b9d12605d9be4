import type { ChangedFile } from "../change-set.ts";
import { finding } from "../finding.ts";
import { isTest } from "./file-kinds.ts";
import { type Port, portsOf } from "./ports.ts";
import { sidesOf } from "./sides.ts";
import type { ServiceFound } from "./sought.ts";

/**
 * Ports at which a service does not answer any more: gone from the change, or public in a
 * file in which another one is public now. One that came beside the others breaks nobody
 * for certain, and only those are hit that name it.
 */
export function portFindings(files: readonly ChangedFile[]): ServiceFound[] {
  const named = files.filter(({ path }) => !isTest(path));
  const before = distinct(
    named.flatMap((file) => portsOf(file.oldPath ?? file.path, sidesOf(file).old)),
  );
  const after = distinct(named.flatMap((file) => portsOf(file.path, sidesOf(file).new)));
  const numbersAfter = new Set(after.map(({ port }) => port));
  const publicAfter = new Set(publicOf(after).map(({ port }) => port));

  const publicBefore = Map.groupBy(publicOf(before), ({ port }) => port);
  const heirs = Map.groupBy(publicOf(after), placeKey);
  const lost = unique(before)
    .filter((port) => {
      if (!numbersAfter.has(port)) return true;
      const wasPublic = publicBefore.get(port) ?? [];
      if (wasPublic.length > 0 && !publicAfter.has(port)) return true;
      return wasPublic.some((one) => hasMoved(one, heirs.get(placeKey(one)) ?? []));
    })
    .slice(0, PORTS_MAX);
  const numbersBefore = new Set(before.map(({ port }) => port));
  const came = unique(after)
    .filter((port) => !numbersBefore.has(port))
    .slice(0, PORTS_MAX);
  return [
    ...lost.map((port) => lostPort(port, { before, after, came })),
    ...(lost.length === 0 ? came.map((port) => newPort(port, after)) : []),
  ];
}

/** More than the result holds, so that its cap tells of the rest. */
const PORTS_MAX = 1_000;

function placeKey({ file, label }: Port): string {
  return JSON.stringify([file, label]);
}

/** The first of those that name the same port in the same way. */
function distinct(ports: readonly Port[]): Port[] {
  const seen = new Map<string, Port>();
  for (const one of ports) {
    const key = JSON.stringify([one.file, one.label, one.role, one.port]);
    if (!seen.has(key)) seen.set(key, one);
  }
  return [...seen.values()];
}

/** What had the same name in the same file has another number: `PORT=8080` is `PORT=8000`. */
function hasMoved(old: Port, heirs: readonly Port[]): boolean {
  return heirs.length > 0 && heirs.every(({ port }) => port !== old.port);
}

type Known = {
  readonly before: readonly Port[];
  readonly after: readonly Port[];
  readonly came: readonly number[];
};

/**
 * The port is the finding; what stands in its place is what came public, else what came. A
 * port that nothing takes the place of may be read from a setting: that is not certain.
 */
function lostPort(port: number, { before, after, came }: Known): ServiceFound {
  const place = before.find((one) => one.port === port && one.role === "public");
  const old = place ?? before.find((one) => one.port === port);
  const heirs = came.filter((one) => publicOf(after).some((other) => other.port === one));
  const replacement = (heirs.length > 0 ? heirs : came).join(", ");
  const now = after.find((one) => came.includes(one.port) && one.file === old?.file);
  return {
    finding: finding({
      rule: "deploy.port",
      trigger: "deployment",
      subject: String(port),
      breaking: replacement === "" && old?.role === "public" ? "maybe" : "yes",
      provider: placeOf(now ?? old),
      before: String(port),
      after: replacement === "" ? null : replacement,
      replacement: replacement === "" ? null : replacement,
    }),
    sought: [{ by: "port", port }],
  };
}

function newPort(port: number, after: readonly Port[]): ServiceFound {
  return {
    finding: finding({
      rule: "deploy.port",
      trigger: "deployment",
      subject: String(port),
      breaking: "maybe",
      provider: placeOf(after.find((one) => one.port === port)),
      after: String(port),
    }),
    sought: [{ by: "port", port }],
  };
}

function placeOf(port: Port | undefined): { path: string; line: number | null } | null {
  return port === undefined ? null : { path: port.file, line: port.line };
}

function publicOf(ports: readonly Port[]): Port[] {
  return ports.filter(({ role }) => role === "public");
}

function unique(ports: readonly Port[]): number[] {
  return [...new Set(ports.map(({ port }) => port))].toSorted((left, right) => left - right);
}

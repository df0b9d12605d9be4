import { type ChangedFile, type Side, sidesOf } from "../facts/change-set.ts";
import {
  describesKubernetes,
  isCode,
  isCompose,
  isDockerfile,
  isEnvFile,
  isKubernetes,
  isShell,
  isTest,
} from "../facts/file-kinds.ts";
import { finding } from "../facts/finding.ts";
import { wordsOf } from "../facts/identifier-words.ts";
import type { ServiceFound } from "../facts/service.ts";

/**
 * Ports at which a service does not answer any more: gone from the change, public in a file in
 * which another one is public now, or behind another one that came in front of it. One that came
 * beside the others breaks nobody for certain, and only those are hit that name it.
 */
export function portFindings(files: readonly ChangedFile[]): ServiceFound[] {
  const named = files.filter(({ path }) => !isTest(path));
  const before = distinct(
    named.flatMap((file) => portsOf(file.oldPath ?? file.path, sidesOf(file).old)),
  );
  const seen = distinct(named.flatMap((file) => portsOf(file.path, sidesOf(file).new)));
  const numbersBefore = new Set(before.map(({ port }) => port));
  const behind = portsBehind(named);
  const hasFront = publicOf(seen).some(({ port }) => !numbersBefore.has(port) && !behind.has(port));
  const after = hasFront
    ? seen.map((one): Port => (behind.has(one.port) ? { ...one, role: "exposed" } : one))
    : seen;
  const lost = lostAmong(before, after)
    .concat(unique(before).filter((port) => hasFront && behind.has(port)))
    .toSorted((left, right) => left - right);
  const came = unique(after)
    .filter((port) => !numbersBefore.has(port))
    .slice(0, PORTS_MAX);
  return [
    ...[...new Set(lost)]
      .slice(0, PORTS_MAX)
      .map((port) => lostPort(port, { before, after, came })),
    ...(lost.length === 0 ? came.map((port) => newPort(port, after)) : []),
  ];
}

function lostAmong(before: readonly Port[], after: readonly Port[]): number[] {
  const numbersAfter = new Set(after.map(({ port }) => port));
  const publicAfter = new Set(publicOf(after).map(({ port }) => port));
  const publicBefore = Map.groupBy(publicOf(before), ({ port }) => port);
  const heirs = Map.groupBy(publicOf(after), placeKey);
  return unique(before).filter((port) => {
    if (!numbersAfter.has(port)) return true;
    const wasPublic = publicBefore.get(port) ?? [];
    if (wasPublic.length > 0 && !publicAfter.has(port)) return true;
    return wasPublic.some((one) => hasMoved(one, heirs.get(placeKey(one)) ?? []));
  });
}

const OWN_URL =
  /\b(?:https?|grpc|wss?):\/\/(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\]):(\d{2,5})\b/gi;
const NAMED_PORT = /\b([A-Za-z_]\w*)["']?\s*[=:]\s*["']?(?:\$\{\w+:-)?(\d{2,5})\b/g;
const BEHIND = new Set(["internal", "backend", "upstream", "inner", "private"]);

/**
 * Ports that a service calls on its own machine, or names as those of something behind it, and did
 * not before.
 */
function portsBehind(files: readonly ChangedFile[]): ReadonlySet<number> {
  const on = (side: "old" | "new"): Set<number> =>
    new Set(
      files.flatMap((file) => sidesOf(file)[side].lines.flatMap(({ text }) => behindIn(text))),
    );
  const old = on("old");
  return new Set([...on("new")].filter((port) => !old.has(port)));
}

function behindIn(text: string): number[] {
  if (/^\s*(?:#|\/\/|\*)|\bHEALTHCHECK\b|\btest:/.test(text)) return [];
  const named = [...text.matchAll(NAMED_PORT)].filter(([, name = ""]) =>
    wordsOf(name).some((word) => BEHIND.has(word)),
  );
  return [
    ...[...text.matchAll(OWN_URL)].map(([, port]) => Number(port)),
    ...named.map(([, , port]) => Number(port)),
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
  const open = before.find((one) => one.port === port && one.role === "public");
  const old = open ?? before.find((one) => one.port === port);
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
    matches: [{ by: "port", port }],
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
    matches: [{ by: "port", port }],
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

/** A port that a line of a provider names. */
type Port = {
  readonly port: number;
  /** Public: where the service answers. Exposed: that it might, as `EXPOSE` says, or inside. */
  readonly role: "public" | "exposed";
  /** What the line calls it: an option, a variable, a call. */
  readonly label: string;
  readonly file: string;
  readonly line: number | null;
};

/** The ports that one side of a file names. */
export function portsOf(path: string, side: Side): Port[] {
  const isCluster = isKubernetes(path) || describesKubernetes(path, side.lines);
  return side.lines.flatMap(({ text, line }) =>
    portsIn(path, text, isCluster)
      .filter(({ port }) => port >= 1 && port <= 65_535)
      .map((named) => ({ ...named, file: path, line })),
  );
}

type Named = Pick<Port, "port" | "role" | "label">;

function portsIn(path: string, text: string, isCluster: boolean): Named[] {
  if (/^\s*(?:#|\/\/|\*)/.test(text)) return [];
  if (isDockerfile(path)) return dockerPorts(text);
  if (isCompose(path)) return [...mappedPorts(text), ...commandPorts(text)];
  if (isShell(path) || isEnvFile(path)) return [...commandPorts(text), ...assignedPorts(text)];
  if (isCode(path)) return [...commandPorts(text), ...listenPorts(text)];
  if (/(?:^|\/)package\.json$/.test(path)) return commandPorts(text);
  if (/\.properties$/i.test(path)) return assignedPorts(text);
  return isCluster ? [...kubernetesPorts(text), ...commandPorts(text)] : [];
}

function dockerPorts(text: string): Named[] {
  const exposed = /^\s*EXPOSE\s(.*)/i.exec(text)?.[1];
  if (exposed !== undefined) {
    return exposed.split(/\s+/).flatMap((word) => {
      const port = /^(\d{1,5})(?:\/\w+)?$/.exec(word)?.[1];
      return port === undefined ? [] : [{ port: Number(port), role: "exposed", label: "" }];
    });
  }
  return [...commandPorts(text), ...(/^\s*(?:ENV|ARG)\s/i.test(text) ? assignedPorts(text) : [])];
}

/** `--port 8000`, `--port=8000`, `"--port", "8000"`, `--bind 0.0.0.0:8000`, `${PORT:-8000}`. */
function commandPorts(text: string): Named[] {
  // What listens on the loopback alone answers nobody outside.
  const role = LOOPBACK.test(text) ? "exposed" : "public";
  return [
    ...numbers(text.matchAll(/(--port)["']?[\s=,]+["']?(?:\$\{\w+:-)?(\d{2,5})\b/g), role),
    ...numbers(
      text.matchAll(/(--bind|-b|--listen|--addr)["']?[\s=,]+["']?[\w.*[\]]*:(\d{2,5})\b/g),
      role,
    ),
  ];
}

const LOOPBACK = /(?:--host|--bind|--listen|--addr)["']?[\s=,]+["']?(?:127\.|localhost\b|\[?::1\b)/;

/** `PORT=8000`, `PUBLIC_PORT=${PORT:-8000}`: by whole words, so that `REPORT=8080` is none. */
function assignedPorts(text: string): Named[] {
  const found = text.matchAll(/\b([A-Za-z_]\w*)\s*[=:]\s*["']?(?:\$\{\w+:-)?(\d{2,5})\b/g);
  return [...found]
    .filter(({ 0: whole, index }) => text.charAt(index + whole.length) !== ".")
    .filter(([, name = ""]) => wordsOf(name).includes("port"))
    .map(([, name = "", port]) => ({ port: Number(port), role: "public", label: name }));
}

/**
 * `app.listen(8000)`, `listen({ port: 8000 })`, `uvicorn.run(app, port=8000)`, and the addresses at
 * which Go and Rust listen: `":8000"`, `"0.0.0.0:8000"`.
 */
function listenPorts(text: string): Named[] {
  return [
    ...numbers(text.matchAll(/(\.listen)\(\s*(\d{2,5})\b/g), "public"),
    ...text.split("}").flatMap((part) => lastWithin(part, LISTEN)),
    ...text.split(")").flatMap((part) => lastWithin(part, RUN)),
    ...fallbackPorts(text),
    ...variablePorts(text),
    ...numbers(text.matchAll(/(["'`])(?:0\.0\.0\.0|\[::\])?:(\d{2,5})\1/g), "public"),
  ];
}

type Within = { readonly label: string; readonly opens: RegExp; readonly port: RegExp };
const LISTEN: Within = {
  label: ".listen",
  opens: /\.listen\(\s*\{/,
  port: /\bport\s*:\s*(\d{2,5})\b/g,
};
const RUN: Within = { label: ".run", opens: /\.run\(/, port: /\bport\s*=\s*(\d{2,5})\b/g };

/** The last port behind the first opening in a part that a bracket ends. */
function lastWithin(part: string, { label, opens, port }: Within): Named[] {
  const opened = opens.exec(part);
  if (opened === null) return [];
  const last = [...part.slice(opened.index + opened[0].length).matchAll(port)].at(-1)?.[1];
  return last === undefined ? [] : [{ port: Number(last), role: "public", label }];
}

const SETTING = /\bport\b\s*[=:]/gi;
const OTHERWISE = /(?:\?\?|\|\|)\s*["']?(\d{2,5})\b/g;
const NEXT = /^\s*["']?(\d{2,5})\b/;

/** `port = env.PORT ?? 8000`, `port: int("PORT", 8000)`: what a port is unless somebody says. */
function fallbackPorts(text: string): Named[] {
  const found: Named[] = [];
  // Neither may be between the port's name and its number, but for one comma before that.
  const parts = [...text.matchAll(/[^;,]*[;,]?/g)].map(([part]) => part);
  for (const [index, part] of parts.entries()) {
    let from = 0;
    for (;;) {
      SETTING.lastIndex = from;
      const setting = SETTING.exec(part);
      if (setting === null) break;
      OTHERWISE.lastIndex = SETTING.lastIndex;
      const otherwise = OTHERWISE.exec(part);
      const next = part.endsWith(",") ? NEXT.exec(parts[index + 1] ?? "") : null;
      const port = (otherwise ?? next)?.[1];
      if (port !== undefined) {
        found.push({ port: Number(port), role: "public", label: setting[0].slice(0, 4) });
      }
      if (otherwise === null) break;
      from = OTHERWISE.lastIndex;
    }
  }
  return found;
}

const VARIABLE = /\b([A-Za-z]\w{0,99})["'\])]{0,3} ?(?:\?\?|\|\||,) ?["']?(\d{2,5})\b/g;

/** `listen(env.PORT || 8000)`, `environ.get("PORT", 8000)`: what a variable is unless somebody says. */
function variablePorts(text: string): Named[] {
  if (!/port/i.test(text) || !/\benv|getenv/i.test(text)) return [];
  return [...text.matchAll(VARIABLE)]
    .filter(([, name = ""]) => wordsOf(name).includes("port"))
    .map(([, name = "", port]) => ({ port: Number(port), role: "public", label: name }));
}

const PUBLISHED = /^\s*(?:-\s*)?published:\s*["']?([^\s"'#]+)/;
/** An item of a list on its own line, and the items of one between brackets. */
const ITEM = /^\s*-\s*["']?([^\s"'#]+)["']?\s*(?:#.*)?$/;
const ITEMS = /^\s*ports:\s*\[([^\]]*)\]/;
/** A default in place of a variable: `${PORT:-8080}`. */
const DEFAULT = /\$\{\w+:?-(\d{1,5})\}/g;
/** An address or none, what the host has of ports, and what the container has. */
const MAPPING =
  /^(?:(\[[\da-f:]+\]|[\d.]+):)?(\d{2,5}(?:-\d{2,5})?):\d{2,5}(?:-\d{2,5})?(?:\/\w+)?$/i;
/** Ports of one range that are told. */
const RANGE_MAX = 100;

/**
 * `- "8080:80"`: what is left of the last colon is what the world sees, or this machine alone; a
 * number by itself, as in `expose`, is seen by the neighbours.
 */
function mappedPorts(text: string): Named[] {
  const published = PUBLISHED.exec(text)?.[1];
  if (published !== undefined) {
    return rangeOf(withDefaults(published)).map((port) => ({
      port,
      role: "public",
      label: "published",
    }));
  }
  const items = ITEMS.exec(text)?.[1]?.split(",") ?? [ITEM.exec(text)?.[1] ?? ""];
  return items.flatMap((item): Named[] => {
    const plain = withDefaults(item.trim().replaceAll(/["']/g, ""));
    if (/^\d{2,5}(?:\/\w+)?$/.test(plain)) {
      return [{ port: Number.parseInt(plain, 10), role: "exposed", label: "" }];
    }
    const [, address = "", ports = ""] = MAPPING.exec(plain) ?? [];
    const role = /^(?:127\.|\[::1\])/.test(address) ? "exposed" : "public";
    return rangeOf(ports).map((port) => ({ port, role, label: "-" }));
  });
}

function withDefaults(text: string): string {
  return text.replaceAll(DEFAULT, "$1");
}

/** The ports of `8080` and of `8080-8082`. */
function rangeOf(text: string): number[] {
  const [first, last] = text.split("-").map(Number);
  if (first === undefined || !(first > 0)) return [];
  const length = Math.min((last ?? first) - first + 1, RANGE_MAX);
  return Array.from({ length: Math.max(length, 0) }, (_, index) => first + index);
}

function kubernetesPorts(text: string): Named[] {
  return [
    ...numbers(text.matchAll(/^\s*(?:-\s*)?(containerPort):\s*(\d{2,5})\b/g), "exposed"),
    ...numbers(text.matchAll(/^\s*(?:-\s*)?(port|nodePort):\s*(\d{2,5})\b/g), "public"),
  ];
}

/** The first group is the label, the second the number. */
function numbers(found: Iterable<RegExpMatchArray>, role: Port["role"]): Named[] {
  return [...found].map(([, label = "", port]) => ({ port: Number(port), role, label }));
}

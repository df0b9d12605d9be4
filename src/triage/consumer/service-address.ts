import { withoutEnd } from "../../index.ts";
import { isCode } from "../facts/file-kinds.ts";
import type { Location } from "../facts/finding.ts";
import { hasWords, wordsOf } from "../facts/identifier-words.ts";
import type { ServiceIdentity } from "../facts/service.ts";
import type { ConsumerFile, TextTree } from "./consumer-files.ts";
import { healthCheckLines, imageOn } from "./service-deployment.ts";

/** A URL in a consumer's file. */
type Address = Location & {
  readonly host: string;
  readonly port: number | null;
  /** Without a slash at its end; "" for none. */
  readonly basePath: string;
  /** The variable that the line gives the URL to; null if there is none. */
  readonly variable: string | null;
};

/** Where a consumer holds the address of a service, and how surely it is that service's. */
export type ServiceAddress = {
  readonly certainty: "confirmed" | "likely" | "none";
  readonly addresses: readonly Address[];
  /** Environment variables that hold it. */
  readonly variables: ReadonlySet<string>;
  /** Places that name an address or read such a variable. */
  readonly locations: readonly Location[];
};

/**
 * Find the service in a consumer's texts: by the hosts that the relationship names or a host
 * called like the repository; by the variables and URLs of its interface files; and, where
 * nothing of that is there, by a URL with a port that the change takes away, which is likely
 * and not certain.
 */
export function findService(
  tree: TextTree,
  identity: ServiceIdentity,
  lostPorts: readonly number[],
): ServiceAddress {
  const all = tree.files.flatMap((file) => [
    ...addressesIn(file),
    ...bareAddressesIn(file, identity),
  ]);
  const variables = new Set(identity.envNames);
  const isInterface = new Set(tree.interfaceFiles);
  const interfaces = tree.files.filter(({ path }) => isInterface.has(path));
  const named = new Set(interfaces.flatMap(variablesIn).filter((name) => holdsAddress(name, all)));
  for (const name of named) variables.add(name);

  const certain = all.filter(
    (address) =>
      isHostOf(address.host, identity) ||
      (address.variable !== null && variables.has(address.variable)) ||
      (isInterface.has(address.path) && !isElsewhere(address.host)),
  );
  if (certain.length > 0 || variables.size > 0) {
    const found = withVariables(tree, certain, variables);
    if (found.locations.length > 0) return { ...found, certainty: "confirmed" };
  }
  const guessed = all.filter(({ port }) => port !== null && lostPorts.includes(port));
  const found = withVariables(tree, guessed, new Set());
  return { ...found, certainty: guessed.length > 0 ? "likely" : "none" };
}

/** Whether an interface file is there, or the relationship's description names the service. */
export function isDeclared(tree: TextTree, identity: ServiceIdentity): boolean {
  const name = identity.repo.split("/").at(-1) ?? "";
  return tree.interfaceFiles.length > 0 || hasWords(identity.description, name);
}

function withVariables(
  tree: TextTree,
  addresses: readonly Address[],
  given: ReadonlySet<string>,
): Omit<ServiceAddress, "certainty"> {
  const bound = addresses.flatMap(({ variable }) => variable ?? []);
  const variables = new Set([...given, ...bound]);
  const read = tree.files.flatMap((file) => locationsOfNames(file, variables));
  return { addresses, variables, locations: [...addresses.map(placeOf), ...read] };
}

/** The host may be `api`, `api:8080`, `api.example.com`, or `http://api.example.com/v1`. */
function isHostOf(host: string, identity: ServiceIdentity): boolean {
  const { hosts } = identity;
  const name = nameOf(identity);
  if (host === name || host.split(".")[0] === name) return true;
  return hosts.some((given) => {
    const [wanted = ""] = given
      .toLowerCase()
      .replace(/^[a-z]+:\/\//, "")
      .split(/[:/]/, 1);
    return wanted !== "" && (host === wanted || host.endsWith(`.${wanted}`));
  });
}

/** Hosts that an interface file names for other reasons. */
function isElsewhere(host: string): boolean {
  return /(?:^|\.)(?:github\.com|githubusercontent\.com|npmjs\.(?:com|org)|pypi\.org|python\.org|w3\.org|json-schema\.org|openapis\.org|mozilla\.org|readthedocs\.io)$/.test(
    host,
  );
}

const ADDRESS_WORDS = new Set(["url", "uri", "host", "endpoint", "addr", "address", "base"]);

/** Whether a variable holds a URL somewhere, or is called as if. */
function holdsAddress(name: string, addresses: readonly Address[]): boolean {
  return (
    addresses.some(({ variable }) => variable === name) ||
    wordsOf(name).some((word) => ADDRESS_WORDS.has(word))
  );
}

const LINE_CHARS_MAX = 2_000;

/**
 * The lines of a file that may use a service, numbered from 1: no comments, and no health check by
 * which a container asks itself.
 */
export function linesOf(file: ConsumerFile): { readonly line: number; readonly text: string }[] {
  const checks = healthCheckLines(file);
  return file.text
    .split(/\r?\n/)
    .map((text, index) => ({ line: index + 1, text: text.slice(0, LINE_CHARS_MAX) }))
    .filter(({ text }) => !/^\s*(?:#|\/\/|\*|\/\*)/.test(text))
    .filter(({ line, text }) => !checks.has(line) || asksAnother(text));
}

const LOOPBACK = /^(?:localhost|127\.[\d.]+|0\.0\.0\.0|\[::1?\])$/i;

function asksAnother(text: string): boolean {
  return urlsIn(text).some(({ host }) => !LOOPBACK.test(host));
}

const WORD = /\b[A-Za-z_]\w*/g;
const VARIABLE = /\b([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)\b/g;

function addressesIn(file: ConsumerFile): Address[] {
  if (!file.text.includes("://")) return [];
  return linesOf(file)
    .filter(({ text }) => text.includes("://"))
    .flatMap(({ line, text }) => {
      const named = [...text.matchAll(VARIABLE)];
      return urlsIn(text).map(({ host, port, path, index }) => ({
        path: file.path,
        line,
        host: host.toLowerCase(),
        port: port === undefined ? null : Number(port),
        basePath: withoutEnd(path, "/"),
        variable: assignedBefore(text, index) ?? lastBefore(named, index),
      }));
    });
}

/** Words as in settings of proxies and pools; an image's name is one word with its slashes. */
const BARE_WORD = /[\w.:/@-]+/g;
const HOST_AND_PORT = /^([a-z][\w.-]*):(\d{2,5})$/i;

/** Addresses of the service without a scheme, `orders:8080`: of known hosts alone, since much looks so. */
function bareAddressesIn(file: ConsumerFile, identity: ServiceIdentity): Address[] {
  const name = nameOf(identity);
  const known = [name, ...identity.hosts].filter((one) => one !== "");
  const text = file.text.toLowerCase();
  if (!known.some((one) => text.includes(one.toLowerCase()))) return [];
  return linesOf(file).flatMap(({ line, text: written }) => {
    if (imageOn(file.path, written) !== null) return [];
    const named = [...written.matchAll(VARIABLE)];
    return [...written.matchAll(BARE_WORD)].flatMap(({ 0: word, index }): Address[] => {
      const [, host = "", port] = HOST_AND_PORT.exec(word) ?? [];
      if (port === undefined || !isHostOf(host.toLowerCase(), identity)) return [];
      const variable = assignedBefore(written, index) ?? lastBefore(named, index);
      const at = { path: file.path, line, basePath: "", variable };
      return [{ ...at, host: host.toLowerCase(), port: Number(port) }];
    });
  });
}

const PORT_SETTING = /\b([A-Za-z_]\w*)["']?\s*[=:]\s*["']?(?:\$\{\w+:-)?(\d{2,5})\b/g;

/** Where a setting that is called like the service's port has it: `ORDERS_PORT=8080`. */
export function portsNamedFor(
  file: ConsumerFile,
  identity: ServiceIdentity,
  port: number,
): Location[] {
  if (!file.text.includes(String(port))) return [];
  const name = wordsOf(nameOf(identity)).join(" ");
  const isNamed = (variable: string): boolean =>
    hasWords(variable, name) && wordsOf(variable).includes("port");
  return linesOf(file)
    .filter(({ text }) =>
      [...text.matchAll(PORT_SETTING)].some(
        ([, variable = "", value]) => Number(value) === port && isNamed(variable),
      ),
    )
    .map(({ line }) => ({ path: file.path, line }));
}

function nameOf({ repo }: ServiceIdentity): string {
  return repo.split("/").at(-1)?.toLowerCase() ?? "";
}

/** The last variable that a line names in front of a URL: whose value or default it is. */
function lastBefore(named: readonly RegExpExecArray[], index: number): string | null {
  return named.findLast((found) => found.index < index)?.[1] ?? null;
}

/** The variables of the environment that a file reads; in a file of settings, those it names. */
function variablesIn({ path, text }: ConsumerFile): string[] {
  if (!isCode(path)) return namesIn(text);
  return wordsIn(text)
    .filter(isRead)
    .flatMap(({ word }) => namesIn(word));
}

/** `process.env.X`, `getenv("X")`: by its name, and no constant of the program. */
function isRead({ before, after }: Word): boolean {
  return before === "env." || (before === after && /["'`]/.test(before));
}

/** Names that any program may use for something of its own. */
export function isGenericName(name: string): boolean {
  return (
    !name.includes("_") ||
    /^(?:BASE|API|SERVICE|SERVER|BACKEND|DATABASE|LOG)_(?:URL|URI|HOST|PORT|KEY|LEVEL)$/.test(name)
  );
}

/** The start of a setting whose value begins where the text ends. */
const ASSIGNED = /(?:^|\s)([A-Z][A-Z0-9_]*)\s*[=:]\s*["']?$/;
/** Characters of it that are looked at. */
const ASSIGNED_MAX = 200;

function assignedBefore(text: string, index: number): string | null {
  const start = Math.max(0, index - ASSIGNED_MAX);
  const before = text.slice(start, index);
  // Of a word that is cut off nobody knows how it begins.
  return ASSIGNED.exec(start === 0 ? before : before.replace(/^\S+/, ""))?.[1] ?? null;
}

/** A word, and what stands on both sides of it: `env.`, or a quote. */
type Word = { readonly before: string; readonly word: string; readonly after: string };

function wordsIn(text: string): Word[] {
  return [...text.matchAll(WORD)].map(({ 0: word, index }) => ({
    before: text.startsWith("env.", index - 4) ? "env." : quoteAt(text, index - 1),
    word,
    after: quoteAt(text, index + word.length),
  }));
}

function quoteAt(text: string, index: number): string {
  return /["'`]/.exec(text.charAt(index))?.[0] ?? "";
}

function namesIn(text: string): string[] {
  return [...text.matchAll(VARIABLE)].map(([, name = ""]) => name);
}

/** Where a file names one of some variables, as a whole word. */
export function locationsOfNames(file: ConsumerFile, names: ReadonlySet<string>): Location[] {
  if (![...names].some((name) => file.text.includes(name))) return [];
  const isSource = isCode(file.path);
  const isNamed = (found: Word): boolean =>
    names.has(found.word) && (!isSource || !isGenericName(found.word) || isRead(found));
  return linesOf(file)
    .filter(({ text }) => wordsIn(text).some(isNamed))
    .map(({ line }) => ({ path: file.path, line }));
}

function placeOf({ path, line }: Address): Location {
  return { path, line };
}

/** A URL as it stands in a text. */
type FoundUrl = {
  readonly host: string;
  readonly port: string | undefined;
  /** With its slash; "" for none. */
  readonly path: string;
  /** Where it begins. */
  readonly index: number;
};

const SCHEME = /\b(?:https?|wss?|grpc):\/\//gi;
// Each begins where the part before it ends.
const LOGIN = /[\w.~%-]+(?::[^@\s/"'`]*)?@/y;
const HOST = /\[[\da-f:]+\]|[\w.-]+/iy;
const PORT = /:(\d{2,5})/y;
const PATH = /(?:\/[\w.~%{}$:-]*)+/y;

/** The URLs of a line, from the left. */
export function urlsIn(text: string): FoundUrl[] {
  const found: FoundUrl[] = [];
  let end = 0;
  for (const { 0: scheme, index } of text.matchAll(SCHEME)) {
    if (index < end) continue;
    const start = index + scheme.length;
    const login = matchAt(LOGIN, text, start)?.[0] ?? "";
    const withLogin = matchAt(HOST, text, start + login.length);
    const at = withLogin === null ? start : start + login.length;
    const host = (withLogin ?? matchAt(HOST, text, start))?.[0];
    if (host === undefined) continue;
    end = at + host.length;
    const port = matchAt(PORT, text, end);
    end += port?.[0].length ?? 0;
    const path = matchAt(PATH, text, end)?.[0] ?? "";
    end += path.length;
    found.push({ host, port: port?.[1], path, index });
  }
  return found;
}

function matchAt(sticky: RegExp, text: string, at: number): RegExpExecArray | null {
  sticky.lastIndex = at;
  return sticky.exec(text);
}

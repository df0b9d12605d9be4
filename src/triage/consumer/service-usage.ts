import { routesByPattern } from "../change/route-patterns.ts";
import { isCompose } from "../facts/file-kinds.ts";
import type { Hit, Location, Usage } from "../facts/finding.ts";
import { LIMITS } from "../facts/limits.ts";
import {
  type ServiceFound,
  type ServiceIdentity,
  type ServiceMatch,
  segmentsOf,
} from "../facts/service.ts";
import type { ConsumerFile, TextTree } from "./consumer-files.ts";
import {
  findService,
  isDeclared,
  isGenericName,
  linesOf,
  locationsOfNames,
  portsNamedFor,
  type ServiceAddress,
  urlsIn,
} from "./service-address.ts";
import {
  type ComposeService,
  composeServices,
  healthCheckLines,
  imageOn,
} from "./service-deployment.ts";

type LiteralPlace = Location & { readonly literal: LiteralPath };

/** What a consumer's texts show about its use of a service. */
type ServiceEvidence = {
  readonly tree: TextTree;
  readonly identity: ServiceIdentity;
  readonly address: ServiceAddress;
  readonly literals: readonly LiteralPlace[];
  /** Files that hold the service's address or are named by the relationship. */
  readonly serviceFiles: ReadonlySet<string>;
  /** Where the consumer runs the provider's image or builds upon it. */
  readonly images: readonly Location[];
  /** All lines of what deploys that image. */
  readonly deployed: readonly (Location & { readonly text: string })[];
};

/** Read out of a consumer's texts whatever the findings may ask for. */
export function serviceEvidence(
  tree: TextTree,
  identity: ServiceIdentity,
  found: readonly ServiceFound[],
): ServiceEvidence {
  const matches = found.flatMap((one) => one.matches);
  const ports = matches.flatMap((one) => (one.by === "port" ? [one.port] : []));
  const address = findService(tree, identity, ports);
  const wantsRoutes = matches.some(({ by }) => by === "route");
  const images = tree.files.flatMap((file) => imagesIn(file, identity));
  return {
    tree,
    identity,
    address,
    literals: wantsRoutes ? tree.files.flatMap(literalsIn) : [],
    serviceFiles: new Set([...address.locations.map(({ path }) => path), ...tree.interfaceFiles]),
    images,
    deployed: deployedLines(tree, images, identity),
  };
}

/** Where a consumer meets a finding, and how sure that is. */
export function matchService({ finding, matches }: ServiceFound, evidence: ServiceEvidence): Hit {
  const met = matches.flatMap((one) => meet(one, evidence));
  const confirmed = met.filter(({ usage }) => usage === "confirmed");
  const locations = sortedPlaces(
    (confirmed.length > 0 ? confirmed : met).map(({ location }) => location),
  );
  return {
    finding,
    usage:
      confirmed.length > 0
        ? "confirmed"
        : met.length > 0
          ? "likely"
          : usageWithoutHits(matches, evidence),
    hits: locations.slice(0, LIMITS.hitsMax),
  };
}

/** Whether the consumer uses the service at all. */
export function serviceUsage(evidence: ServiceEvidence, hits: readonly Hit[]): Usage {
  const usages = new Set<Usage>(hits.map(({ usage }) => usage));
  if (usages.has("confirmed") || evidence.images.length > 0) return "confirmed";
  if (evidence.address.certainty !== "none") return evidence.address.certainty;
  return usages.has("likely") ? "likely" : usageWithoutHits([{ by: "service" }], evidence);
}

type Met = { readonly location: Location; readonly usage: "confirmed" | "likely" };

function meet(match: ServiceMatch, evidence: ServiceEvidence): Met[] {
  const { tree, address, images } = evidence;
  switch (match.by) {
    case "route":
      return routePlaces(match.path, evidence);
    case "env":
      return tree.files
        .flatMap((file) => locationsOfNames(file, new Set([match.name])))
        .filter(({ path }) => !isGenericName(match.name) || evidence.serviceFiles.has(path))
        .map(confirm);
    case "port":
      return portPlaces(match.port, evidence);
    case "host":
      return tree.files.flatMap((file) => hostPlaces(file, match.host)).map(confirm);
    case "image":
      return images.map(confirm);
    case "service":
      return address.certainty === "none"
        ? []
        : address.locations.map((location) => ({ location, usage: certaintyOf(address) }));
  }
}

/** Addresses of a host in a cluster: `http://orders`, `orders.shop.svc:80`. */
function hostPlaces(file: ConsumerFile, host: string): Location[] {
  if (!file.text.toLowerCase().includes(host)) return [];
  const isMeant = (given: string): boolean =>
    given.toLowerCase() === host || given.toLowerCase().startsWith(`${host}.`);
  return linesOf(file)
    .filter(({ text }) => {
      const bare = [...text.matchAll(HOST_WITH_PORT)].map(([, name = ""]) => name);
      return [...urlsIn(text).map((url) => url.host), ...bare].some(isMeant);
    })
    .map(({ line }) => ({ path: file.path, line }));
}

// unproven pattern -- a name has a bound, so each place is read so far
const HOST_WITH_PORT = /(?:^|[\s"'`=@,])([a-z][\w.-]{0,252}):\d{2,5}(?=$|[\s"'`/,])/gi;

function confirm(location: Location): Met {
  return { location, usage: "confirmed" };
}

function certaintyOf({ certainty }: ServiceAddress): "confirmed" | "likely" {
  return certainty === "confirmed" ? "confirmed" : "likely";
}

/**
 * A short path means the service only in a file that knows the service: `/users` may be a page
 * of the consumer's own.
 */
function routePlaces(path: string, evidence: ServiceEvidence): Met[] {
  const route = segmentsOf(path);
  const bases = evidence.address.addresses.map(({ basePath }) => segmentsOf(basePath));
  const isTelling = route.filter((segment) => segment !== "*").length >= 2;
  return evidence.literals
    .filter(({ literal }) => asksFor(literal, route, bases))
    .filter(({ path: file }) => route.length > 0 || evidence.serviceFiles.has(file))
    .map(({ path: file, line }) => ({
      location: { path: file, line },
      usage: isTelling || evidence.serviceFiles.has(file) ? "confirmed" : "likely",
    }));
}

/** The port in an address of the service, and in what is deployed with its image. */
function portPlaces(port: number, { address, tree, deployed, identity }: ServiceEvidence): Met[] {
  const mapped = deployed
    .filter(({ text }) => namesNumber(text, port))
    .map(({ path, line }) => confirm({ path, line }));
  const bound = boundVariables(address, port);
  const called = [
    ...address.addresses.filter((one) => one.port === port),
    ...tree.files.flatMap((file) => locationsOfNames(file, bound)),
  ];
  const named = tree.files.flatMap((file) => portsNamedFor(file, identity, port)).map(confirm);
  // Who runs the image with this port calls it there: an address of an unknown host is this one.
  const usage = mapped.length > 0 ? "confirmed" : certaintyOf(address);
  return [
    ...called.map(({ path, line }) => ({ location: { path, line }, usage })),
    ...mapped,
    ...named,
  ];
}

/** The variables whose value has the port: who reads them calls the port. */
function boundVariables({ addresses }: ServiceAddress, port: number): Set<string> {
  const bound = addresses.filter((one) => one.port === port);
  return new Set(bound.flatMap(({ variable }) => variable ?? []));
}

function namesNumber(text: string, number: number): boolean {
  return [...text.matchAll(/\d+/g)].some(([found]) => Number(found) === number);
}

/**
 * What deploys the provider's image, line by line: of a compose file the services that run it, by
 * their image or by a name that such a service has in any of the files; of others all of it.
 */
function deployedLines(
  { files }: TextTree,
  images: readonly Location[],
  { repo }: ServiceIdentity,
): ServiceEvidence["deployed"] {
  const name = nameOf(repo);
  const composed = files.flatMap((file) => {
    const checks = healthCheckLines(file);
    return composeServices(file).map((service) => ({ path: file.path, checks, ...service }));
  });
  const named = new Set([name, ...composed.filter(({ runs }) => runs.includes(name)).map(keyOf)]);
  const deploying = new Set(images.map(({ path }) => path));
  return [
    ...composed
      .filter((service) => named.has(keyOf(service)))
      .flatMap(({ path, lines, checks }) =>
        lines.filter(({ line }) => !checks.has(line)).map((one) => ({ path, ...one })),
      ),
    ...files
      .filter(({ path }) => deploying.has(path) && !isCompose(path))
      .flatMap((file) => linesOf(file).map((one) => ({ path: file.path, ...one }))),
  ];
}

function keyOf({ name }: ComposeService): string {
  return name.toLowerCase();
}

function nameOf(repo: string): string {
  return repo.split("/").at(-1)?.toLowerCase() ?? "";
}

/** Without a hit: none, unless the whole was not read or the relationship says otherwise. */
function usageWithoutHits(
  matches: readonly ServiceMatch[],
  { tree, identity }: ServiceEvidence,
): Usage {
  if (tree.capsHit.length > 0) return "unknown";
  const isAboutService = matches.some(({ by }) => by === "service");
  return isAboutService && isDeclared(tree, identity) ? "likely" : "none";
}

function literalsIn(file: ConsumerFile): LiteralPlace[] {
  // What the consumer serves itself is no request for the provider's.
  const lines = linesOf(file);
  const side = { isWhole: false, lines };
  const own = new Set(routesByPattern(file.path, side).map(({ line }) => line));
  return lines
    .filter(({ line, text }) => !own.has(line) || isRequest(text))
    .flatMap(({ line, text }) =>
      literalPathsIn(text).map((literal) => ({ path: file.path, line, literal })),
    );
}

const METHOD_CALL = /\.\s*(?:get|post|put|patch|delete|head|options)\b/g;
const GIVEN_TEXT = /^\s*(?:<[^<>()]*>\s*)?\(\s*(["'`])/;

/**
 * Whether a line that reads as if it registered a route asks for one: its answer is used, or it is
 * given the path alone: `return api.get("/orders")`. No framework gets along without a handler.
 */
function isRequest(text: string): boolean {
  return [...text.matchAll(METHOD_CALL)].some(({ 0: call, index }) => {
    let start = index;
    while (/[\w$.]/.test(text.charAt(start - 1))) start--;
    const before = text.slice(0, start).trimEnd();
    if (/(?:\bawait|\breturn|\byield|=>|[=(,:?])$/.test(before)) return true;
    const behind = text.slice(index + call.length);
    const [opened, quote] = GIVEN_TEXT.exec(behind) ?? [];
    if (opened === undefined || quote === undefined) return false;
    const end = behind.indexOf(quote, opened.length);
    return (
      end !== -1 &&
      behind
        .slice(end + 1)
        .trimStart()
        .startsWith(")")
    );
  });
}

/** `image: registry/owner/name:tag` and `FROM owner/name`: running or extending the provider. */
function imagesIn(file: ConsumerFile, { repo }: ServiceIdentity): Location[] {
  const name = nameOf(repo);
  if (name === "" || !file.text.toLowerCase().includes(name)) return [];
  return linesOf(file)
    .filter(({ text }) => imageOn(file.path, text) === name)
    .map(({ line }) => ({ path: file.path, line }));
}

function sortedPlaces(locations: readonly Location[]): Location[] {
  const unique = new Map(locations.map(({ path, line }) => [`${path}:${line}`, { path, line }]));
  return [...unique.values()].toSorted(
    (left, right) =>
      (left.path === right.path ? 0 : left.path < right.path ? -1 : 1) || left.line - right.line,
  );
}

/** A path that a line of a consumer spells out. */
type LiteralPath = {
  /** Placeholders are "*". */
  readonly segments: readonly string[];
  /** Whether something stands before it: a host, or a variable that may hold a base path. */
  readonly hasBase: boolean;
  /** Whether it ends with a slash or an expression follows, so that one segment may follow. */
  readonly isOpen: boolean;
};

const BARE_URL = /\bhttps?:\/\/[^\s"'`,)\]]+/g;

/** The paths in the strings of a line, and in the URLs that stand without quotes. */
export function literalPathsIn(text: string): LiteralPath[] {
  if (!text.includes("/")) return [];
  const quoted = quotedIn(text);
  const urls = [...text.matchAll(BARE_URL)].map(([url]) => url);
  return [...new Set([...quoted, ...urls])].map(literalPath).filter((path) => path !== null);
}

function literalPath(literal: string): LiteralPath | null {
  // `${base}` and `{base}` of templates; a format's `%s` and `{}` as well.
  const plain = literal.replaceAll(/\$?\{[^{}]*\}|%[sd]/g, "*");
  const rest = plain.replace(/^[a-z]+:\/\/[^/]*/i, "").replace(/^\*+/, "");
  const hasBase = rest !== plain;
  if (!rest.startsWith("/") || /\s/.test(rest)) return null;
  const path = rest.split(/[?#]/, 1)[0] ?? "";
  return { segments: segmentsOf(path), hasBase, isOpen: path.endsWith("/") && path !== "/" };
}

/**
 * Whether a literal asks for a route. A literal with a base may leave out what the base path
 * of the service already says; a placeholder of the literal meets only one of the route.
 */
function asksFor(
  literal: LiteralPath,
  route: readonly string[],
  basePaths: readonly (readonly string[])[],
): boolean {
  const wanted = [route, ...basePaths.flatMap((base) => withoutBase(route, base))];
  return wanted.some((segments) => fitsRoute(literal, segments));
}

/** The route as it looks behind a base path; nothing if it is not below it. */
function withoutBase(route: readonly string[], base: readonly string[]): (readonly string[])[] {
  if (base.length === 0 || base.length >= route.length) return [];
  return base.every((segment, index) => segment === route[index]) ? [route.slice(base.length)] : [];
}

function fitsRoute({ segments, isOpen }: LiteralPath, route: readonly string[]): boolean {
  const literal = isOpen && segments.length === route.length - 1 ? [...segments, "*"] : segments;
  if (literal.length !== route.length) return false;
  const same = literal.every((segment, index) => route[index] === "*" || route[index] === segment);
  return same && (route.length === 0 || route.some((segment) => segment !== "*"));
}

const QUOTE = /["'`]/g;

/**
 * What stands in the quotes of a line, from the left. A backslash takes the character behind it
 * along. A quote without a second one is a character like others.
 */
export function quotedIn(text: string): string[] {
  const found: string[] = [];
  /** Quotes that nothing closes from here on: from a later location nothing does either. */
  const open = new Set<string>();
  let from = 0;
  for (;;) {
    QUOTE.lastIndex = from;
    const start = QUOTE.exec(text);
    if (start === null) return found;
    const quote = start[0];
    const end = open.has(quote) ? -1 : closing(text, quote, start.index + 1);
    if (end === -1) {
      open.add(quote);
      from = start.index + 1;
    } else {
      found.push(text.slice(start.index + 1, end));
      from = end + 1;
    }
  }
}

function closing(text: string, quote: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === quote) return at;
    if (character === "\\") at++;
  }
  return -1;
}

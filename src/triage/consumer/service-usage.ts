import { routesByPattern } from "../change/route-patterns.ts";
import { isCompose, isDockerfile } from "../facts/file-kinds.ts";
import type { Hit, Location, Usage } from "../facts/finding.ts";
import { LIMITS } from "../facts/limits.ts";
import {
  EVERYTHING_BELOW,
  type ServiceFound,
  type ServiceIdentity,
  type ServiceMatch,
  segmentsOf,
} from "../facts/service.ts";
import type { ConsumerFile, TextTree } from "./consumer-files.ts";
import {
  asksFor,
  hasParameter,
  type LiteralPath,
  literalPath,
  literalPathsIn,
} from "./literal-paths.ts";
import { requestMethod } from "./request-method.ts";
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
  type NumberedLine,
  numbered,
} from "./service-deployment.ts";

type LiteralPlace = Location & {
  readonly literal: LiteralPath;
  /** By which the line asks; null where that is not seen. */
  readonly method: string | null;
};

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
  readonly deployed: readonly DeployedLine[];
};

type DeployedLine = Location & {
  readonly text: string;
  /** Whether the container asks itself there whether it is well. */
  readonly isCheck: boolean;
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
  const deployed = deployedLines(tree, images, identity);
  return {
    tree,
    identity,
    address,
    literals: wantsRoutes
      ? [...tree.files.flatMap(literalsIn), ...deployed.filter(isCheck).flatMap(checkedPaths)]
      : [],
    serviceFiles: new Set([...address.locations.map(({ path }) => path), ...tree.interfaceFiles]),
    images,
    deployed: deployed.filter((one) => !isCheck(one)),
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

type RouteMatch = Extract<ServiceMatch, { by: "route" }>;
type Met = { readonly location: Location; readonly usage: "confirmed" | "likely" };

function meet(match: ServiceMatch, evidence: ServiceEvidence): Met[] {
  const { tree, address, images } = evidence;
  switch (match.by) {
    case "route":
      return routePlaces(match, evidence);
    case "env":
      return variablePlaces(match.name, evidence).map(confirm);
    case "port":
      return portPlaces(match.port, evidence);
    case "host":
      return tree.files.flatMap((file) => hostPlaces(file, match.host)).map(confirm);
    case "image":
      return unset(images, match.without, evidence).map(confirm);
    case "base":
      return images.filter(({ path }) => isDockerfile(path)).map(confirm);
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

/** The images of files in which nothing that is deployed with them names the variable. */
function unset(
  images: readonly Location[],
  name: string | undefined,
  { deployed }: ServiceEvidence,
): readonly Location[] {
  if (name === undefined) return images;
  const setting = deployed.filter(({ text }) => text.split(/\W+/).includes(name));
  const files = new Set(setting.map(({ path }) => path));
  return images.filter(({ path }) => !files.has(path));
}

/**
 * Where a variable is named; one that any program may have, where the service's address is or
 * where its image is deployed.
 */
function variablePlaces(
  name: string,
  { tree, serviceFiles, deployed }: ServiceEvidence,
): readonly Location[] {
  const found = tree.files.flatMap((file) => locationsOfNames(file, new Set([name])));
  if (!isGenericName(name)) return found;
  const isDeployed = new Set(deployed.map(({ path, line }) => `${path}:${line}`));
  return found.filter(
    ({ path, line }) => serviceFiles.has(path) || isDeployed.has(`${path}:${line}`),
  );
}

/**
 * A short path means the service only in a file that knows the service: `/users` may be a page
 * of the consumer's own. What is seen to ask by another method asks for another route.
 */
function routePlaces({ path, method, without }: RouteMatch, evidence: ServiceEvidence): Met[] {
  const route = segmentsOf(path);
  const bases = evidence.address.addresses.map(({ basePath }) => segmentsOf(basePath));
  const isBelow = route.at(-1) === EVERYTHING_BELOW;
  const isTelling = route.filter((segment) => !segment.startsWith("*")).length >= 2;
  return evidence.literals
    .filter((one) => one.method === null || isAnsweredBy(one.method, method))
    .filter(({ literal }) => asksFor(literal, route, bases))
    .filter(({ literal }) => without === undefined || !hasParameter(literal, without))
    .filter(({ path: file }) => {
      const isMeant = route.length > 0 && (isTelling || !isBelow);
      return isMeant || evidence.serviceFiles.has(file);
    })
    .map(({ path: file, line }) => ({
      location: { path: file, line },
      usage: isTelling || evidence.serviceFiles.has(file) ? "confirmed" : "likely",
    }));
}

/** What answers GET answers HEAD. */
function isAnsweredBy(asked: string, served: string): boolean {
  return served === "*" || asked === served || (asked === "HEAD" && served === "GET");
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
): DeployedLine[] {
  const name = nameOf(repo);
  const composed = files.flatMap((file) =>
    composeServices(file).map((service) => ({ file, ...service })),
  );
  const named = new Set([name, ...composed.filter(({ runs }) => runs.includes(name)).map(keyOf)]);
  const deploying = new Set(images.map(({ path }) => path));
  return [
    ...composed
      .filter((service) => named.has(keyOf(service)))
      .flatMap(({ file, lines }) => deployedOf(file, lines)),
    ...files
      .filter(({ path }) => deploying.has(path) && !isCompose(path))
      .flatMap((file) => deployedOf(file, numbered(file.text))),
  ];
}

function deployedOf(file: ConsumerFile, lines: readonly NumberedLine[]): DeployedLine[] {
  const checks = healthCheckLines(file);
  const used = new Set(linesOf(file).map(({ line }) => line));
  return lines
    .filter(({ line }) => used.has(line) || checks.has(line))
    .map((one) => ({ path: file.path, ...one, isCheck: checks.has(one.line) }));
}

function isCheck(one: DeployedLine): boolean {
  return one.isCheck;
}

const PROBED = /^\s*path:\s*["']?(\/[^\s"'#]*)/;

/** The paths by which a container of the provider is asked, and is no good without an answer. */
function checkedPaths({ path, line, text }: DeployedLine): LiteralPlace[] {
  const probed = PROBED.exec(text)?.[1];
  const found = probed === undefined ? [] : [literalPath(probed)];
  return [...literalPathsIn(text), ...found.filter((one) => one !== null)].map((literal) => ({
    path,
    line,
    literal,
    method: "GET",
  }));
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
  const all = file.text.split(/\r?\n/);
  return lines
    .filter(({ line, text }) => !own.has(line) || isRequest(text))
    .flatMap(({ line, text }) =>
      literalPathsIn(text).map((literal) => ({
        path: file.path,
        line,
        literal,
        method: requestMethod(all, line - 1, literal.text),
      })),
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

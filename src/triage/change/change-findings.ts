import type { ChangeSet } from "../facts/change-set.ts";
import { isData } from "../facts/file-kinds.ts";
import { LIMITS } from "../facts/limits.ts";
import {
  type NamedRoute,
  routeKey,
  routeNamed,
  type ServiceFound,
  segmentsOf,
} from "../facts/service.ts";
import { authFindings } from "./auth-findings.ts";
import { envFindings } from "./env-findings.ts";
import { hostFindings } from "./host-findings.ts";
import { imageFindings } from "./image-findings.ts";
import { mountFindings } from "./mount-findings.ts";
import { contractFindings, type OnLeftOut } from "./openapi-findings.ts";
import { portFindings } from "./port-findings.ts";
import { routeFindings } from "./route-findings.ts";

/**
 * What a change of a service may do to those who call or run it. Sorted by id; what two
 * sources find alike is one finding, the surer of them. A route is the same one however its
 * placeholders are written, and where a document has it below the prefix that the code leaves out.
 */
export function changeFindings(
  { files }: Pick<ChangeSet, "files">,
  onLeftOut: OnLeftOut = () => {},
): ServiceFound[] {
  const found = [
    ...contractFindings(files, onLeftOut),
    ...routeFindings(files),
    ...mountFindings(files),
    ...authFindings(files),
    ...envFindings(files),
    ...portFindings(files),
    ...hostFindings(files),
    ...imageFindings(files),
  ];
  const known = found.map(shortened);
  const documented = known.filter(isDocumentedRoute).map(({ finding }) => finding.subject);
  const byFact = Map.groupBy(known, (one) => factOf(one, documented));
  return [...byFact.values()]
    .flatMap(merged)
    .map(proven)
    .toSorted((left, right) => (left.finding.id < right.finding.id ? -1 : 1));
}

function isLostRoute({ finding }: ServiceFound): boolean {
  return ["http.route_removed", "http.route_changed"].includes(finding.rule);
}

/** Of a service the fact is what its own files say. */
function proven({ finding, matches }: ServiceFound): ServiceFound {
  const { breaking, proof, provider, rule, subject } = finding;
  if (breaking !== "yes" || proof !== null) return { finding, matches };
  const line = provider?.line ?? null;
  const place =
    provider === null ? "the change" : `${provider.path}${line === null ? "" : `:${line}`}`;
  return {
    finding: { ...finding, proof: { by: "service", text: `${place} (${rule} ${subject})` } },
    matches,
  };
}

function isDocumentedRoute(found: ServiceFound): boolean {
  return isLostRoute(found) && isData(found.finding.provider?.path ?? "");
}

/** One text for all findings that tell of the same fact. */
function factOf(found: ServiceFound, documented: readonly string[]): string {
  const { id, subject } = found.finding;
  if (!isLostRoute(found)) return id;
  const same = isDocumentedRoute(found)
    ? undefined
    : documented.find((other) => isSameRoute(routeNamed(subject), routeNamed(other)));
  return `lost route ${routeKey(routeNamed(same ?? subject))}`;
}

/** A method that is not told is any; code may lie below a prefix that another file gives it. */
function isSameRoute(inCode: NamedRoute, inDocument: NamedRoute): boolean {
  const methods = [inCode.method, inDocument.method];
  const [short, long] = [segmentsOf(inCode.path), segmentsOf(inDocument.path)];
  const isEnd = short.length > 0 && long.slice(-short.length).join("/") === short.join("/");
  return isEnd && (methods[0] === methods[1] || methods.includes("*"));
}

const SURENESS = { yes: 2, maybe: 1, no: 0 } as const;

/** Of several that are surest the first one that says what to use instead. */
function merged(alike: readonly ServiceFound[]): ServiceFound[] {
  const [surest] = alike.toSorted(
    ({ finding: left }, { finding: right }) =>
      SURENESS[right.breaking] - SURENESS[left.breaking] ||
      Number(right.replacement !== null) - Number(left.replacement !== null),
  );
  if (surest === undefined) return [];
  return [{ finding: surest.finding, matches: alike.flatMap(({ matches }) => matches) }];
}

function shortened({ finding, matches }: ServiceFound): ServiceFound {
  const parts = { before: cut(finding.before), after: cut(finding.after) };
  return { finding: { ...finding, ...parts, replacement: cut(finding.replacement) }, matches };
}

function cut(text: string | null): string | null {
  return text !== null && text.length > LIMITS.textMax
    ? `${text.slice(0, LIMITS.textMax - 1)}…`
    : text;
}

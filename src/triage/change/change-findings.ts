import type { ChangeSet } from "../facts/change-set.ts";
import { LIMITS } from "../facts/limits.ts";
import type { ServiceFound } from "../facts/service.ts";
import { authFindings } from "./auth-findings.ts";
import { envFindings } from "./env-findings.ts";
import { imageFindings } from "./image-findings.ts";
import { contractFindings, type OnLeftOut } from "./openapi-findings.ts";
import { portFindings } from "./port-findings.ts";
import { routeFindings } from "./route-findings.ts";

/**
 * What a change of a service may do to those who call or run it. Sorted by id; what two
 * sources find alike is one finding, the surer of them.
 */
export function changeFindings(
  { files }: Pick<ChangeSet, "files">,
  onLeftOut: OnLeftOut = () => {},
): ServiceFound[] {
  const found = [
    ...contractFindings(files, onLeftOut),
    ...routeFindings(files),
    ...authFindings(files),
    ...envFindings(files),
    ...portFindings(files),
    ...imageFindings(files),
  ];
  const byId = Map.groupBy(found.map(shortened), ({ finding }) => finding.id);
  return [...byId.values()]
    .flatMap(merged)
    .map(proven)
    .toSorted((left, right) => (left.finding.id < right.finding.id ? -1 : 1));
}

const SURENESS = { yes: 2, maybe: 1, no: 0 } as const;

/** Of several that are surest the first. */
function merged(alike: readonly ServiceFound[]): ServiceFound[] {
  const [surest] = alike.toSorted(
    (left, right) => SURENESS[right.finding.breaking] - SURENESS[left.finding.breaking],
  );
  if (surest === undefined) return [];
  return [{ finding: surest.finding, sought: alike.flatMap(({ sought }) => sought) }];
}

/** Of a service the fact is what its own files say. */
function proven({ finding, sought }: ServiceFound): ServiceFound {
  const { breaking, proof, provider, rule, subject } = finding;
  if (breaking !== "yes" || proof !== null) return { finding, sought };
  const line = provider?.line ?? null;
  const place =
    provider === null ? "the change" : `${provider.path}${line === null ? "" : `:${line}`}`;
  return {
    finding: { ...finding, proof: { by: "service", text: `${place} (${rule} ${subject})` } },
    sought,
  };
}

function shortened({ finding, sought }: ServiceFound): ServiceFound {
  const parts = { before: cut(finding.before), after: cut(finding.after) };
  return { finding: { ...finding, ...parts, replacement: cut(finding.replacement) }, sought };
}

function cut(text: string | null): string | null {
  return text !== null && text.length > LIMITS.textMax
    ? `${text.slice(0, LIMITS.textMax - 1)}…`
    : text;
}

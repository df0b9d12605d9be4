import { finding } from "../finding.ts";
import {
  asList,
  asObject,
  asText,
  type Documents,
  type Json,
  type OpenApi,
  type Operation,
  type Pair,
  resolved,
} from "./openapi-document.ts";
import { routeName } from "./route.ts";
import type { ServiceFound } from "./sought.ts";

/** Operations that anybody could call, and now nobody without a key: a finding for each key. */
export function securityFindings(kept: readonly Pair[], documents: Documents): ServiceFound[] {
  const { before, after, file } = documents;
  const byHeader = new Map<string, Operation[]>();
  for (const { old, now } of kept) {
    const needed = headersOf(after, now);
    if (needed.length === 0 || headersOf(before, old).length > 0) continue;
    const header = needed.join(" + ");
    const others = byHeader.get(header);
    if (others === undefined) byHeader.set(header, [now]);
    else others.push(now);
  }
  return [...byHeader].map(([header, operations]) => ({
    finding: finding({
      rule: "http.auth_added",
      trigger: "authentication",
      subject: header,
      breaking: "yes",
      provider: { path: file, line: null },
      after: listed(operations.map(routeName)),
    }),
    sought: [
      ...operations.map(({ path }) => ({ by: "route", path }) as const),
      { by: "service" } as const,
    ],
  }));
}

const NAMED_MAX = 5;

function listed(names: readonly string[]): string {
  const left = names.length - NAMED_MAX;
  return [...names.slice(0, NAMED_MAX), ...(left > 0 ? [`${left} more`] : [])].join(", ");
}

/** What the operation's first way to be allowed asks for; empty if one way asks for nothing. */
function headersOf({ root }: OpenApi, { node }: Operation): string[] {
  const ways = asList(node["security"] ?? root["security"]).map((way) => asObject(way) ?? {});
  if (ways.some((way) => Object.keys(way).length === 0)) return [];
  const schemes =
    asObject(asObject(root["components"])?.["securitySchemes"]) ??
    asObject(root["securityDefinitions"]) ??
    {};
  return Object.keys(ways[0] ?? {})
    .map((name) => headerOf(name, resolved(root, schemes[name])))
    .toSorted();
}

/** The header that a scheme reads; for a key in a query or a cookie its name. */
function headerOf(name: string, scheme: Json | null): string {
  if (scheme?.["type"] === "apiKey") return asText(scheme["name"]) || name;
  return "Authorization";
}

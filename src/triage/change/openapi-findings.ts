import { type Breaking, finding } from "../finding.ts";
import {
  asObject,
  asText,
  type Documents,
  type Json,
  type OpenApi,
  type Operation,
  operationsOf,
  type Pair,
  resolved,
} from "./openapi-document.ts";
import { propertiesOf } from "./openapi-schema.ts";
import { securityFindings } from "./openapi-security.ts";
import { type Route, routeKey, routeName } from "./route.ts";
import { GONE_MAX, goneRoute, successorsAmong } from "./route-findings.ts";
import type { ServiceFound } from "./sought.ts";

/** What two versions of an API's document disagree about, to the harm of those who call it. */
export function openApiFindings(before: OpenApi, after: OpenApi, file: string): ServiceFound[] {
  const old = operationsOf(before);
  const now = operationsOf(after);
  const routeOf = ({ method, path }: Operation): Route => ({
    method,
    path,
    file,
    line: null,
    isParsed: true,
  });
  const byKey = new Map(now.map((one) => [routeKey(one), one]));
  const known = new Set(old.map(routeKey));
  const successorOf = successorsAmong(now.filter((one) => !known.has(routeKey(one))).map(routeOf));
  const gone = old
    .filter((one) => !byKey.has(routeKey(one)))
    .slice(0, GONE_MAX)
    .map((one) => goneRoute(routeOf(one), successorOf(routeOf(one))));
  const kept = old.flatMap((one) => {
    const other = byKey.get(routeKey(one));
    return other === undefined ? [] : [{ old: one, now: other }];
  });
  const changed = kept.flatMap((pair) => [
    ...parameterFindings(pair, { before, after, file }),
    ...bodyFindings(pair, { before, after, file }),
    ...responseFindings(pair, { before, after, file }),
  ]);
  return [...gone, ...changed, ...securityFindings(kept, { before, after, file })];
}

/** Parameters that a request must have and did not need. */
function parameterFindings({ old, now }: Pair, { file }: Documents): ServiceFound[] {
  const needed = new Set(old.parameters.filter(isRequired).map(keyOf));
  return now.parameters
    .filter((parameter) => isRequired(parameter) && parameter["in"] !== "body")
    .filter((parameter) => !needed.has(keyOf(parameter)) && parameter["in"] !== "path")
    .map((parameter) =>
      contractFinding("http.param_required", now, {
        file,
        name: asText(parameter["name"]),
        after: `${asText(parameter["in"])} parameter`,
      }),
    );
}

function keyOf(parameter: Json): string {
  return `${asText(parameter["in"])} ${asText(parameter["name"])}`;
}

function isRequired(node: Json): boolean {
  return node["required"] === true;
}

/** Properties of the request's body that must be there and did not have to. */
function bodyFindings({ old, now }: Pair, { before, after, file }: Documents): ServiceFound[] {
  const was = propertiesOf(before, requestSchema(before, old));
  const is = propertiesOf(after, requestSchema(after, now));
  return [...is]
    .filter(([name, { isRequired: needed }]) => needed && was.get(name)?.isRequired !== true)
    .map(([name, { type }]) =>
      contractFinding("http.param_required", now, { file, name, after: `${type} in the body` }),
    );
}

/** Answers that went, and properties of the body of a success that went or changed. */
function responseFindings({ old, now }: Pair, { before, after, file }: Documents): ServiceFound[] {
  return Object.entries(successes(before, old)).flatMap(([status, was]) => {
    const is = successes(after, now)[status];
    if (is === undefined) {
      return [
        contractFinding("http.response_removed", now, { file, name: status, before: status }),
      ];
    }
    const props = propertiesOf(after, bodySchema(is));
    return [...propertiesOf(before, bodySchema(was))].flatMap(([name, property]) => {
      const other = props.get(name);
      if (other === undefined) {
        return [
          contractFinding("http.response_removed", now, { file, name, before: property.type }),
        ];
      }
      const parts = { file, name, before: property.type, after: other.type };
      if (other.type !== property.type) {
        return [contractFinding("http.response_changed", now, parts)];
      }
      return property.isRequired && !other.isRequired
        ? [contractFinding("http.response_changed", now, { ...parts, ...OPTIONAL })]
        : [];
    });
  });
}

/** What is always sent today may still be: it is no longer promised. */
const OPTIONAL = { before: "always there", after: "optional", breaking: "maybe" } as const;

type Parts = {
  readonly file: string;
  readonly name: string;
  readonly before?: string;
  readonly after?: string;
  readonly breaking?: Breaking;
};

function contractFinding(
  rule: string,
  operation: Operation,
  { file, name, before, after, breaking = "yes" }: Parts,
): ServiceFound {
  return {
    finding: finding({
      rule,
      subject: `${routeName(operation)} ${name}`,
      breaking,
      provider: { path: file, line: null },
      before: before ?? null,
      after: after ?? null,
    }),
    sought: [{ by: "route", path: operation.path }],
  };
}

function requestSchema({ root }: OpenApi, { node, parameters }: Operation): unknown {
  const body = resolved(root, node["requestBody"]);
  if (body !== null) return isRequired(body) ? bodySchema(body) : undefined;
  return parameters.find((parameter) => parameter["in"] === "body" && isRequired(parameter))?.[
    "schema"
  ];
}

/** The schema of a body: OpenAPI's first media type, or Swagger's own field. */
function bodySchema(node: Json): unknown {
  const content = asObject(node["content"]);
  if (content === null) return node["schema"];
  return asObject(content["application/json"] ?? Object.values(content)[0])?.["schema"];
}

function successes({ root }: OpenApi, { node }: Operation): Readonly<Record<string, Json>> {
  return Object.fromEntries(
    Object.entries(asObject(node["responses"]) ?? {})
      .filter(([status]) => status.startsWith("2"))
      .map(([status, response]) => [status, resolved(root, response)] as const)
      .filter((entry): entry is readonly [string, Json] => entry[1] !== null),
  );
}

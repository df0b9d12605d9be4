import { type ChangedFile, sidesOf } from "../facts/change-set.ts";
import { isData, isOpenApi, isTest } from "../facts/file-kinds.ts";
import { type Breaking, finding } from "../facts/finding.ts";
import { pathKey, type Route, routeKey, routeName, type ServiceFound } from "../facts/service.ts";
import {
  asList,
  asObject,
  asText,
  type Documents,
  type Json,
  type OpenApi,
  type Operation,
  operationsOf,
  type Pair,
  type Property,
  parseOpenApi,
  pathsInLines,
  propertiesOf,
  resolved,
  takesType,
  valueOf,
} from "./openapi-document.ts";
import { GONE_MAX, goneRoute, successorsAmong } from "./route-findings.ts";

/** Is told of each document that was not read, or not to its end, and why. */
export type OnLeftOut = (reason: string) => void;

/** What the documents of the API that changed say about those who call it. */
export function contractFindings(
  files: readonly ChangedFile[],
  onLeftOut: OnLeftOut,
): ServiceFound[] {
  return files
    .filter(({ path }) => isData(path) && !isTest(path))
    .flatMap((file) => documentFindings(file, onLeftOut));
}

const NO_OPERATIONS: OpenApi = { root: { paths: {} }, basePath: "", steps: { left: 1 } };

function documentFindings(file: ChangedFile, onLeftOut: OnLeftOut): ServiceFound[] {
  const { path } = file;
  const read = (text: string | null): OpenApi | null => {
    const document = text === null ? null : parseOpenApi(text);
    if (document === null || !("leftOut" in document)) return document;
    onLeftOut(`${path} was left out as a document of an API: it ${document.leftOut}`);
    return null;
  };
  const [before, after] = [read(file.before), read(file.after)];
  if (before !== null && after !== null) {
    const found = openApiFindings(before, after, path);
    const isWhole = [before, after].every(({ steps }) => steps.left > 0);
    if (!isWhole) onLeftOut(`${path} was not compared to its end: it has too many schemas`);
    return found;
  }
  // A document that went promises nothing any more; whether its routes went, too, is not said.
  if (before !== null && file.changeType === "deleted") return softened(before, path);
  if (!isOpenApi(path) && !isOpenApi(file.oldPath ?? "")) return [];

  const { old, new: now } = sidesOf(file);
  const added = pathsInLines(path, now);
  const kept = new Set(added.map(pathKey));
  const successorOf = successorsAmong(added);
  return pathsInLines(path, old)
    .filter((route) => !kept.has(pathKey(route)))
    .map((route) => goneRoute(route, successorOf(route)));
}

function softened(before: OpenApi, path: string): ServiceFound[] {
  return openApiFindings(before, NO_OPERATIONS, path).map((found) => ({
    ...found,
    finding: { ...found.finding, breaking: "maybe" },
  }));
}

/** What two versions of an API's document disagree about, to the harm of those who call it. */
function openApiFindings(before: OpenApi, after: OpenApi, file: string): ServiceFound[] {
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
function parameterFindings({ old, now }: Pair, documents: Documents): ServiceFound[] {
  const { before, after, file } = documents;
  const needed = new Set(old.parameters.filter(isRequired).map(keyOf));
  const known = new Map(old.parameters.map((parameter) => [keyOf(parameter), parameter]));
  const narrowed = now.parameters.flatMap((parameter) => {
    const was = known.get(keyOf(parameter));
    if (was === undefined || parameter["in"] === "body") return [];
    const values = [parameterValue(before, was), parameterValue(after, parameter)] as const;
    return takenFindings(now, { file, name: asText(parameter["name"]), values });
  });
  const demanded = now.parameters
    .filter((parameter) => isRequired(parameter) && parameter["in"] !== "body")
    .filter((parameter) => !needed.has(keyOf(parameter)) && parameter["in"] !== "path")
    .map((parameter): ServiceFound => {
      const name = asText(parameter["name"]);
      const parts = { file, name, after: `${asText(parameter["in"])} parameter` };
      const found = contractFinding("http.param_required", now, parts);
      const { method, path } = now;
      return parameter["in"] === "query"
        ? { ...found, matches: [{ by: "route", method, path, without: name }] }
        : found;
    });
  return [...demanded, ...narrowed];
}

/** OpenAPI 3 has a schema within the parameter, Swagger 2 writes it there itself. */
function parameterValue({ root }: OpenApi, parameter: Json): Value {
  return valueOf(resolved(root, parameter["schema"]) ?? parameter);
}

type Value = Pick<Property, "type" | "values">;

type Taken = {
  readonly file: string;
  readonly name: string;
  readonly values: readonly [was: Value, is: Value];
};

/** A finding where what was taken of a caller is not taken any more. */
function takenFindings(operation: Operation, { file, name, values }: Taken): ServiceFound[] {
  const [was, is] = values;
  // Of what said nothing before nobody knows what was taken; a format says how to write it.
  if (was.type !== "any" && !takesType(withoutFormats(is.type), withoutFormats(was.type))) {
    const parts = { file, name, before: was.type, after: is.type };
    return [contractFinding("http.param_changed", operation, parts)];
  }
  const lost =
    is.values === null ? [] : (was.values ?? []).filter((one) => !is.values?.includes(one));
  if (lost.length === 0 && (is.values === null || was.values !== null)) return [];
  const [before, after] = [was, is].map(({ values: all }) => (all === null ? "any" : listed(all)));
  return [
    contractFinding("http.param_changed", operation, {
      file,
      name,
      ...(before === undefined ? {} : { before }),
      ...(after === undefined ? {} : { after }),
      breaking: lost.length > 0 ? "yes" : "maybe",
    }),
  ];
}

function keyOf(parameter: Json): string {
  return `${asText(parameter["in"])} ${asText(parameter["name"])}`;
}

function isRequired(node: Json): boolean {
  return node["required"] === true;
}

function withoutFormats(type: string): string {
  const alternatives = type.split("|").map((one) => one.split("(", 1)[0]);
  return alternatives.join("|");
}

/**
 * Properties of the request's body that must be there and did not have to. Of a body that may be
 * left out whoever sends one is hit, and nobody else.
 */
function bodyFindings({ old, now }: Pair, { before, after, file }: Documents): ServiceFound[] {
  const [then, next] = [requestBody(before, old), requestBody(after, now)];
  const was = propertiesOf(before, then.schema);
  const is = propertiesOf(after, next.schema);
  const renames = renamesAmong(was, is);
  const former = new Map([...renames].map(([from, to]) => [to, from]));
  const narrowed = [...is].flatMap(([name, property]) => {
    const other = was.get(name);
    return other === undefined ? [] : takenFindings(now, { file, name, values: [other, property] });
  });
  const breaking = next.isRequired ? "yes" : "maybe";
  const hadTo = (name: string): boolean =>
    was.get(name)?.isRequired === true && (then.isRequired || !next.isRequired);
  const demanded = [...is]
    .filter(([name, { isRequired: needed }]) => needed && !hadTo(name))
    .map(([name, { type }]) => {
      const from = former.get(name);
      const parts = { file, breaking } as const;
      return from === undefined
        ? contractFinding("http.param_required", now, {
            ...parts,
            name,
            after: `${type} in the body`,
          })
        : contractFinding("http.renamed", now, { ...parts, name: from, before: from, after: name });
    });
  return [...demanded, ...narrowed];
}

/**
 * Properties that stand in the place of others: of all that went and all that came beside it, one
 * of each type.
 */
function renamesAmong(was: Properties, is: Properties): ReadonlyMap<string, string> {
  const gone = Map.groupBy(
    [...was].filter(([name]) => !is.has(name)),
    kindOf,
  );
  const came = Map.groupBy(
    [...is].filter(([name]) => !was.has(name)),
    kindOf,
  );
  return new Map(
    [...gone].flatMap(([kind, [old, ...others]]) => {
      const [now, ...more] = came.get(kind) ?? [];
      const isPair = old !== undefined && now !== undefined && others.length + more.length === 0;
      return isPair ? [[old[0], now[0]] as const] : [];
    }),
  );
}

/** What it is a part of, and its type. */
function kindOf([name, { type }]: readonly [string, Property]): string {
  return JSON.stringify([name.slice(0, name.lastIndexOf(".") + 1), type]);
}

type Properties = ReadonlyMap<string, Property>;

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
    const wasProps = propertiesOf(before, bodySchema(was));
    const renames = renamesAmong(wasProps, props);
    return [...wasProps].flatMap(([name, property]) => {
      const other = props.get(name);
      const renamed = renames.get(name);
      if (renamed !== undefined) {
        const parts = { file, name, before: name, after: renamed };
        return [contractFinding("http.renamed", now, parts)];
      }
      if (other === undefined) {
        return [
          contractFinding("http.response_removed", now, { file, name, before: property.type }),
        ];
      }
      const parts = { file, name, before: property.type, after: other.type };
      if (!takesType(property.type, other.type)) {
        // What need not be there at all is null as well in many a service that does not say so.
        const isNull = !property.isRequired && takesType(`${property.type}|null`, other.type);
        const breaking = isNull ? "maybe" : "yes";
        return [contractFinding("http.response_changed", now, { ...parts, breaking })];
      }
      if (property.isRequired && !other.isRequired) {
        return [contractFinding("http.response_changed", now, { ...parts, ...OPTIONAL })];
      }
      return [];
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
      replacement: rule === "http.renamed" ? (after ?? null) : null,
    }),
    matches: [{ by: "route", method: operation.method, path: operation.path }],
  };
}

type RequestBody = { readonly schema: unknown; readonly isRequired: boolean };

function requestBody({ root }: OpenApi, { node, parameters }: Operation): RequestBody {
  const body = resolved(root, node["requestBody"]);
  if (body !== null) return { schema: bodySchema(body), isRequired: isRequired(body) };
  const given = parameters.find((parameter) => parameter["in"] === "body");
  return { schema: given?.["schema"], isRequired: given !== undefined && isRequired(given) };
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

/** Operations that anybody could call, and now nobody without a key: a finding for each key. */
function securityFindings(kept: readonly Pair[], documents: Documents): ServiceFound[] {
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
    matches: [
      ...operations.map(({ method, path }) => ({ by: "route", method, path }) as const),
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

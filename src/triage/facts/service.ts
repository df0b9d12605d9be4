import type { Finding } from "./finding.ts";

/** What in a consumer's tree shows that a finding hits it. */
export type ServiceMatch =
  /**
   * A literal path. `path` as the provider writes it, with its placeholders; "*": by any method;
   * `without`: but for one that has this parameter in its query.
   */
  | {
      readonly by: "route";
      readonly method: string;
      readonly path: string;
      readonly without?: string;
    }
  | { readonly by: "env"; readonly name: string }
  /** The port beside the service's host or variable. */
  | { readonly by: "port"; readonly port: number }
  /** A host by which the service was called, with whatever domain behind it. */
  | { readonly by: "host"; readonly host: string }
  /** Any address of the service, or a variable that holds it. */
  | { readonly by: "service" }
  /** The provider's image, run or built upon; `without`: where this variable is not set. */
  | { readonly by: "image"; readonly without?: string }
  /** The provider's image, built upon. */
  | { readonly by: "base" };

/** A finding in a service, and by what a consumer is hit: any of `matches`. */
export type ServiceFound = { readonly finding: Finding; readonly matches: readonly ServiceMatch[] };

/** What the relationship says a service is known by. */
export type ServiceIdentity = {
  /** `owner/name`. */
  readonly repo: string;
  readonly description: string;
  readonly hosts: readonly string[];
  readonly envNames: readonly string[];
  readonly interfaceFiles: readonly string[];
};

/** A route that a provider serves. */
export type Route = {
  /** Upper case; "*" for every method. */
  readonly method: string;
  /** As the provider writes it, with its placeholders. */
  readonly path: string;
  readonly file: string;
  readonly line: number | null;
  /** Whether a parser saw it, and not a pattern. */
  readonly isParsed: boolean;
};

/** Methods by which frameworks name what they register. */
export const ROUTE_METHODS: ReadonlySet<string> = new Set([
  "get",
  "post",
  "put",
  "patch",
  "delete",
  "head",
  "options",
  "all",
]);

/** The method as in a request: `get` is GET, `all` is every method. */
export function methodOf(name: string): string {
  return name.toLowerCase() === "all" ? "*" : name.toUpperCase();
}

/** `GET /users/:id`, for people and as an identity. */
export function routeName({ method, path }: Pick<Route, "method" | "path">): string {
  return method === "*" ? path : `${method} ${path}`;
}

export type NamedRoute = Pick<Route, "method" | "path">;

/** The way back from a route's name. */
export function routeNamed(name: string): NamedRoute {
  const at = name.indexOf(" /");
  return at === -1
    ? { method: "*", path: name }
    : { method: name.slice(0, at), path: name.slice(at + 1) };
}

/** The segments of a path; a placeholder of any framework is "*". */
export function segmentsOf(path: string): string[] {
  return path
    .split("/")
    .filter((segment) => segment !== "")
    .map((segment) => (segment !== EVERYTHING_BELOW && isPlaceholder(segment) ? "*" : segment));
}

/** Express and Hono write `:id`, FastAPI and OpenAPI `{id}`, Flask `<int:id>`, all `*`. */
function isPlaceholder(segment: string): boolean {
  return /^:|^\*|[{<*]/.test(segment);
}

/** The last segment of a path that stands for all paths below it. */
export const EVERYTHING_BELOW = "**";

/** One text for all the ways to write a route. */
export function routeKey({ method, path }: Pick<Route, "method" | "path">): string {
  return `${method} ${segmentsOf(path).join("/")}`;
}

/** One text for all the ways to write a path. */
export function pathKey({ path }: Pick<Route, "path">): string {
  return segmentsOf(path).join("/");
}

/** Put a prefix before a path, with one slash between. */
export function joinPaths(prefix: string, path: string): string {
  const joined = [...prefix.split("/"), ...path.split("/")].filter((part) => part !== "").join("/");
  return `/${joined}`;
}

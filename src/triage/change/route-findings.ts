import type { ChangedFile } from "../change-set.ts";
import { finding } from "../finding.ts";
import { isOpenApi, isScript, isTest } from "./file-kinds.ts";
import { type Route, routeKey, routeName, samePath, segmentsOf } from "./route.ts";
import { routesByCalls } from "./route-calls.ts";
import { routesByPattern } from "./route-patterns.ts";
import { type Side, sidesOf, textOf } from "./sides.ts";
import type { ServiceFound } from "./sought.ts";

/**
 * Routes that the code of a service registered and does not register any more. A route that
 * moved to another file of the change is still there.
 */
export function routeFindings(files: readonly ChangedFile[]): ServiceFound[] {
  const sources = files.filter(({ path }) => !isTest(path) && !isOpenApi(path));
  const before = sources.flatMap((file) => routesOf(file.oldPath ?? file.path, sidesOf(file).old));
  const after = sources.flatMap((file) => routesOf(file.path, sidesOf(file).new));
  const [known, served] = [new Set(before.map(routeKey)), new Set(after.map(routeKey))];
  const added = after.filter((route) => !known.has(routeKey(route)));
  return before
    .filter((route) => !served.has(routeKey(route)))
    .filter((route) => !served.has(routeKey({ ...route, method: "*" })))
    .slice(0, GONE_MAX)
    .map((route) => goneRoute(route, successorOf(route, added)));
}

/** The routes of one side of a file: by its syntax where all of it is known, else by patterns. */
export function routesOf(path: string, side: Side): Route[] {
  if (side.lines.length === 0) return [];
  const parsed = side.isWhole && isScript(path) ? routesByCalls(path, textOf(side)) : null;
  return parsed ?? routesByPattern(path, side);
}

/** The finding on a route that is gone, or that another one stands for. */
export function goneRoute(route: Route, successor: Route | null): ServiceFound {
  const name = routeName(route);
  return {
    finding: finding({
      rule: successor === null ? "http.route_removed" : "http.route_changed",
      trigger: "endpoints",
      subject: name,
      breaking: route.isParsed ? "yes" : "maybe",
      provider: { path: (successor ?? route).file, line: (successor ?? route).line },
      before: name,
      after: successor === null ? null : routeName(successor),
      replacement: successor === null ? null : routeName(successor),
    }),
    sought: [{ by: "route", path: route.path }],
  };
}

/** More than the result holds, so that its cap tells of the rest. */
export const GONE_MAX = 1_000;

/**
 * What stands in the place of a route that is gone: the same path by another method, or, in
 * the same file and by the same method, a path that ends alike. Null unless there is one.
 */
export function successorOf(gone: Route, added: readonly Route[]): Route | null {
  const other = added.filter((route) => samePath(route.path, gone.path));
  if (other[0] !== undefined) return other[0];
  const last = segmentsOf(gone.path).findLast((segment) => segment !== "*");
  const alike = added.filter(
    (route) =>
      route.file === gone.file &&
      route.method === gone.method &&
      last !== undefined &&
      segmentsOf(route.path).findLast((segment) => segment !== "*") === last,
  );
  return alike.length === 1 ? (alike[0] ?? null) : null;
}

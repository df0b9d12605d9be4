import { type ChangedFile, type Side, sidesOf, sideText } from "../facts/change-set.ts";
import { isOpenApi, isScript, isTest } from "../facts/file-kinds.ts";
import { finding } from "../facts/finding.ts";
import {
  pathKey,
  type Route,
  routeKey,
  routeName,
  type ServiceFound,
  segmentsOf,
} from "../facts/service.ts";
import { routesByCalls } from "./route-calls.ts";
import { routesByFile } from "./route-files.ts";
import { routesByPattern } from "./route-patterns.ts";

/**
 * Routes that the code of a service registered and does not register any more. A route that
 * moved to another file of the change is still there.
 */
export function routeFindings(files: readonly ChangedFile[]): ServiceFound[] {
  const sources = files.filter(({ path }) => !isTest(path) && !isOpenApi(path));
  const before = sources.flatMap((file) => routesOf(file.oldPath ?? file.path, sidesOf(file).old));
  const after = sources.flatMap((file) => routesOf(file.path, sidesOf(file).new));
  const [known, served] = [new Set(before.map(routeKey)), new Set(after.map(routeKey))];
  const successorOf = successorsAmong(after.filter((route) => !known.has(routeKey(route))));
  return before
    .filter((route) => !served.has(routeKey(route)))
    .filter((route) => !served.has(routeKey({ ...route, method: "*" })))
    .slice(0, GONE_MAX)
    .map((route) => goneRoute(route, successorOf(route)));
}

/**
 * The routes of one side of a file: by its syntax where all of it is known, else by patterns; and
 * by where it lies.
 */
export function routesOf(path: string, side: Side): Route[] {
  if (side.lines.length === 0) return [];
  const parsed = side.isWhole && isScript(path) ? routesByCalls(path, sideText(side)) : null;
  return [...(parsed ?? routesByPattern(path, side)), ...routesByFile(path, side)];
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
    matches: [{ by: "route", method: route.method, path: route.path }],
  };
}

/** More than the result holds, so that its cap tells of the rest. */
export const GONE_MAX = 1_000;

/**
 * Tells what stands in the place of a route that is gone: the same path by another method, or, in
 * the same file and by the same method, a path that ends alike. Null unless there is one.
 */
export function successorsAmong(added: readonly Route[]): (gone: Route) => Route | null {
  const byPath = new Map<string, Route>();
  const alike = new Map<string, Route | null>();
  for (const route of added) {
    const path = pathKey(route);
    if (!byPath.has(path)) byPath.set(path, route);
    const key = likeness(route);
    // Of two nobody knows which.
    if (key !== null) alike.set(key, alike.has(key) ? null : route);
  }
  return (gone) => {
    const key = likeness(gone);
    return byPath.get(pathKey(gone)) ?? (key === null ? null : (alike.get(key) ?? null));
  };
}

function likeness({ file, method, path }: Route): string | null {
  const last = segmentsOf(path).findLast((segment) => segment !== "*");
  return last === undefined ? null : JSON.stringify([file, method, last]);
}

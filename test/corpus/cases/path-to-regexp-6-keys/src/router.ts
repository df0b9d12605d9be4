import { type Key, pathToRegexp } from "path-to-regexp";

export function parametersOf(route: string, path: string): Record<string, string> | null {
  const keys: Key[] = [];
  const found = pathToRegexp(route, keys).exec(path);
  if (found === null) return null;
  return Object.fromEntries(keys.map(({ name }, index) => [String(name), found[index + 1] ?? ""]));
}

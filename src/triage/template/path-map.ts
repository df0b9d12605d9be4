import { withoutEnd } from "../../without-end.ts";
import type { TemplateConfig } from "./payload.ts";

/** Where a path of the template lies in the derivative. */
export type MapPath = (path: string) => string;

/**
 * The map of a relationship's `path_map`. A key is a file or a folder; of several that fit,
 * the longest one counts. What none fits stays where it is.
 */
function pathMapper(pathMap: Readonly<Record<string, string>>): MapPath {
  const entries = Object.entries(pathMap)
    .map(([from, to]) => [bare(from), bare(to)] as const)
    .toSorted(([left], [right]) => right.length - left.length || (left < right ? -1 : 1));
  return (path) => {
    for (const [from, to] of entries) {
      if (path === from) return to === "" ? path : to;
      const isBelow = from === "" || path.startsWith(`${from}/`);
      if (!isBelow) continue;
      const rest = from === "" ? path : path.slice(from.length + 1);
      return to === "" ? rest : `${to}/${rest}`;
    }
    return path;
  };
}

/** The map of a relationship, which is written from the template's side, for its direction. */
export function mapPathOf({
  path_map,
  direction,
}: Pick<TemplateConfig, "path_map" | "direction">): MapPath {
  const back = Object.entries(path_map).map(([from, to]) => [to, from]);
  return pathMapper(direction === "reverse" ? Object.fromEntries(back) : path_map);
}

/** `./src/`, `src/` and `src` are one folder; "." is the root. */
function bare(path: string): string {
  return withoutEnd(path.replace(/^(?:\.?\/)+/, ""), "/").replace(/^\.$/, "");
}

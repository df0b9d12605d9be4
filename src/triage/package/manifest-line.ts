import type { Location } from "../finding.ts";

/**
 * Where a top-level key of a package.json stands. A line search and not a parser: the
 * manifest has parsed, and a key is indented least where it is top-level.
 */
export function manifestLine(text: string, key: string): Location {
  const lines = text.split("\n");
  const quoted = JSON.stringify(key);
  let best = { line: 1, indent: Number.POSITIVE_INFINITY };
  for (const [index, line] of lines.entries()) {
    const begun = line.trimStart();
    const indent = line.length - begun.length;
    if (indent >= best.indent || !begun.startsWith(quoted)) continue;
    if (begun.slice(quoted.length).trimStart().startsWith(":")) best = { line: index + 1, indent };
  }
  return { path: "package.json", line: best.line };
}

/**
 * A wall on purpose, an algorithm with tests of its own: patterns of `include` and `exclude` in a
 * tsconfig. TypeScript's own matcher is not public, and makes regular expressions of what a
 * stranger wrote, which can take time without end; this one goes through the path once for each
 * part of the pattern.
 */
export function matchesGlob(pattern: string, path: string): boolean {
  const parts = pattern.split("/").filter((part) => part !== "" && part !== ".");
  const names = path.split("/");
  /** Which numbers of names the parts so far can stand for. */
  let reached = new Set([0]);
  for (const part of parts) {
    const next = new Set<number>();
    for (const at of reached) {
      if (part === "**") for (const to of anyDepth(names, at)) next.add(to);
      else if (at < names.length && matchesName(part, names[at] ?? "")) next.add(at + 1);
    }
    reached = next;
  }
  return reached.has(names.length) || (isFolder(parts) && reached.size > 0);
}

/** What is hidden is meant by its name alone, and so is all that is in it. */
function anyDepth(names: readonly string[], at: number): number[] {
  const hidden = names.findIndex((name, index) => index >= at && name.startsWith("."));
  const last = hidden === -1 ? names.length : hidden;
  return Array.from({ length: last - at + 1 }, (_, offset) => at + offset);
}

/** A pattern whose last part is a plain name without a dot is a folder, and all that is in it. */
function isFolder(parts: readonly string[]): boolean {
  const last = parts.at(-1);
  return last === undefined || !/[*?.]/.test(last);
}

/** `*` is any characters, `?` is one. The last star is tried again, one character further on. */
function matchesName(pattern: string, name: string): boolean {
  if (name.startsWith(".") && /^[*?]/.test(pattern)) return false;
  let at = 0;
  let star = -1;
  let again = 0;
  for (let index = 0; index < name.length; ) {
    const unit = pattern.charAt(at);
    if (unit === "*") {
      star = at++;
      again = index;
    } else if (unit === "?" || (unit !== "" && unit === name.charAt(index))) {
      at++;
      index++;
    } else if (star === -1) {
      return false;
    } else {
      at = star + 1;
      index = ++again;
    }
  }
  while (pattern.charAt(at) === "*") at++;
  return at === pattern.length;
}

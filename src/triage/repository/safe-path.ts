const PATH_BYTES_MAX = 1_024;

/**
 * Whether a path from a repository or a package stays in the folder that it is put below, on
 * every system, and does not make that folder a repository.
 */
export function isSafePath(path: string): boolean {
  return (
    path !== "" &&
    !path.startsWith("/") &&
    !/[\0\\]/.test(path) &&
    !/^[a-z]:/i.test(path) &&
    Buffer.byteLength(path) <= PATH_BYTES_MAX &&
    path.split("/").every((part) => part !== "" && part !== "." && part !== ".." && !isGit(part))
  );
}

/** `.git` in any case, and as Windows and macOS read it. */
function isGit(part: string): boolean {
  const bare = part.replaceAll(/[\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]/g, "");
  return /^(?:\.git|git~1)[. ]*(?::.*)?$/i.test(bare);
}

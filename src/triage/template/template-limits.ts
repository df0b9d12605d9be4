/**
 * Caps of one template triage, beside those of the repository store. Where one cuts something
 * off, its name in snake case without "Max" is in `caps_hit`: "merges", "hunks", "patch_bytes".
 */
export const TEMPLATE_LIMITS = {
  /** Files that are merged, each by a run of git. */
  mergesMax: 500,
  /** Merges at a time: they take a core each. */
  mergesAtOnceMax: 2,
  /** Hunks told of one file in conflict, and characters of each of their sides. */
  hunksMax: 20,
  hunkTextMax: 300,
  /** Differences by key told of one file, and characters of the texts that are parsed for it. */
  explanationsMax: 20,
  explainedTextMax: 100_000,
  /** Characters of changed lines of one file that are searched for words. */
  searchedTextMax: 200_000,
  /** Bytes of the patch. A larger one is not in the result. */
  patchBytesMax: 262_144,
  /** Pairs of files that are held against each other to find one under another name. */
  renamesMax: 1_000_000,
  /** Files told in the result. */
  evidenceFilesMax: 1_000,
  /** Commits of the change whose messages are read. */
  commitsMax: 2_000,
  /** Commits on either side that are searched for what was ported before. */
  historyMax: 20_000,
} as const;

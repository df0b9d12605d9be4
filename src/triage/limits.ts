/**
 * Caps of an event. It is parsed where all tasks of a worker wait for it, so that each part is
 * bounded before anything looks into it, and what looks is linear.
 */
export const EVENT_LIMITS = {
  /** Objects and lists within each other. */
  depthMax: 64,
  /** Characters of a name: a repository, a commit, a branch. */
  nameMax: 1_000,
  /** Characters of a path, and of a URL. */
  pathMax: 4_096,
  urlMax: 2_000,
  /** Characters of a commit's message; what is longer is cut, as one of git's is. */
  messageMax: 20_000,
  /** Characters of a producer's word for what happened to a file. */
  wordMax: 100,
  /** Issues told of a list of files: behind so many nothing is parsed any more. */
  issuesMax: 10,
} as const;

/** Caps of one analysis. What a cap cuts off is named in the result's `caps_hit`. */
export const LIMITS = {
  /** Files of the consumer that are looked at. */
  filesMax: 20_000,
  /** Bytes of one source file. */
  fileBytesMax: 1_000_000,
  /** Bytes of any file that an analysis reads: declarations and lockfiles are large. */
  readBytesMax: 10_000_000,
  /** Bytes of all texts of a consumer that are searched. */
  treeBytesMax: 100_000_000,
  /** Files that import the provider and are compiled. */
  importingFilesMax: 500,
  /** Characters, depth and values of one document of JSON or YAML, its aliases unfolded. */
  documentCharsMax: 1_000_000,
  documentDepthMax: 64,
  documentNodesMax: 200_000,
  /** JavaScript files, and bytes of them, of one version that are read for its defaults. */
  defaultFilesMax: 300,
  defaultBytesMax: 4_000_000,
  findingsMax: 200,
  /** Places kept for one finding. */
  hitsMax: 50,
  diagnosticsMax: 200,
  /** Characters of `before` and `after`. */
  textMax: 300,
  /** Milliseconds until the thread is ended, by depth (ANALYSIS_TIMEOUT_MS). */
  analysisMs: { types: 120_000, names: 60_000, service: 120_000 },
  /**
   * Milliseconds for all analyses of one task: well below its handler's timeout, which would
   * count as a failed attempt and have all of it done again.
   */
  taskAnalysesMs: 360_000,
  /** Milliseconds for one text that is read beside an analysis, and for all of one kind. */
  readingMs: 10_000,
  readingsMs: 60_000,
  /** MiB of heap of the thread that reads them. */
  readingHeapMib: 1_024,
  /**
   * MiB of heap of the thread (ANALYSIS_MEMORY_MIB); a program of a large consumer takes some
   * hundreds.
   */
  heapMib: 2_048,
} as const;

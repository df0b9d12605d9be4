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
  /** Files of the consumer that can see a type of the provider and are compiled. */
  compiledFilesMax: 1_000,
  /** Characters, depth and values of one document of JSON or YAML, its aliases unfolded. */
  documentCharsMax: 1_000_000,
  documentDepthMax: 64,
  documentNodesMax: 200_000,
  /** JavaScript files, and bytes of them, of one version that are read for its defaults. */
  defaultFilesMax: 1_000,
  defaultBytesMax: 4_000_000,
  /** Packages that are fetched for their declarations, and milliseconds for all of them. */
  typePackagesMax: 40,
  typePackagesMs: 60_000,
  /**
   * Types and signatures that the compiler may make for one comparison of two types, and for all of
   * a surface; comparisons that may take more until the rest is not compared.
   */
  comparisonTypesMax: 20_000,
  surfaceTypesMax: 1_000_000,
  typeCutsMax: 3,
  findingsMax: 200,
  /** Places kept for one finding. */
  hitsMax: 50,
  /** Errors of the compiler: far above what anybody repairs by a list. */
  diagnosticsMax: 1_000,
  /** Characters of what a release says of itself. */
  notesMax: 600,
  /** Characters of `before` and `after`. */
  textMax: 300,
  /** Milliseconds until the process is ended, by depth (ANALYSIS_TIMEOUT_MS). */
  analysisMs: { types: 120_000, names: 60_000, service: 120_000 },
  /**
   * Milliseconds for all analyses of one task: well below its handler's timeout, which would
   * count as a failed attempt and have all of it done again.
   */
  taskAnalysesMs: 360_000,
  /** Milliseconds for one text that is read beside an analysis, and for all of one kind. */
  readingMs: 10_000,
  readingsMs: 60_000,
  /** MiB of heap of the process that reads them. */
  readingHeapMib: 1_024,
  /**
   * MiB of heap of the process (ANALYSIS_MEMORY_MIB); a program of a large consumer takes some
   * hundreds.
   */
  heapMib: 2_048,
  /**
   * MiB of half of the heap's young part in such a process, and the percentage by which the heap
   * may grow between two full collections. The engine's own choice takes a third more memory.
   */
  semiSpaceMib: 4,
  heapGrowthPercent: 50,
  /** KiB of the engine's stack in a process that analyses or reads; Linux gives 8,192 for all. */
  stackKib: 3_900,
  /** Milliseconds that such a process waits for the next request, and requests that it answers. */
  processIdleMs: 10_000,
  processRequests: 200,
} as const;

/**
 * Caps of one template triage, beside those of the repository store. Where one cuts something
 * off, its name in snake case without "Max" is in `caps_hit`: "merges", "hunks", "patch_bytes".
 */
export const TEMPLATE_LIMITS = {
  /** Files that are merged, each by a run of git. */
  mergesMax: 500,
  /** Merges at a time: they take a core each. */
  mergesAtOnceMax: 2,
  /** Hunks told of one file in conflict. */
  hunksMax: 20,
  /** Characters of each of their sides at least, and of all of them where they are few. */
  hunkTextMax: 300,
  hunkTextsMax: 100_000,
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

/**
 * Limits of the repository store. Where one cuts files or lines off, its name in snake case
 * without "Max" is in `capsHit`: "files", "file_bytes", "diff_bytes", "content_bytes", "tree_bytes",
 * "commit_bytes", "renames".
 */
export const REPOSITORY_LIMITS = {
  /** Files of one change set, and of one tree. */
  filesMax: 20_000,
  /** Files of a tree that are counted at all, before it is compared or read. */
  treeEntriesMax: 500_000,
  /** Folders of one tree on disk: a path can have some hundred. */
  foldersMax: 50_000,
  /** Bytes of one file whose content is looked at. */
  fileBytesMax: 1_000_000,
  /** Bytes of diff in one change set. */
  diffBytesMax: 5_000_000,
  /** Bytes of contents, old and new together, in one change set. */
  contentBytesMax: 50_000_000,
  /** Bytes of one extracted tree, and of one unpacked package. */
  treeBytesMax: 300_000_000,
  /** Bytes of one file of a package: declarations are large. */
  packageFileBytesMax: 10_000_000,
  /** Bytes of a package's tarball. */
  tarballBytesMax: 100_000_000,
  /** Bytes of all package.json of one commit that are looked at. */
  manifestBytesMax: 20_000_000,
  /** Bytes of what a registry tells of one package. */
  packumentBytesMax: 50_000_000,
  /** Files that are compared with each other to find renames that changed the content too. */
  renamesMax: 1_000,
  /** Bytes of a list of files; at about 100 each. */
  listBytesMax: 64_000_000,
  messageCharactersMax: 20_000,
  /** Bytes of a commit whose message is read. */
  commitBytesMax: 1_000_000,
  /** Branches and tags of one repository. */
  refsMax: 100_000,
  /** Bytes of one mirror, unless MAX_REPO_BYTES says otherwise; files of it beside its refs. */
  repositoryBytesMax: 5_000_000_000,
  mirrorFilesMax: 50_000,
  /** Milliseconds for what reads a mirror, for a fetch, and for the wait for another's fetch. */
  commandMs: 60_000,
  fetchMs: 240_000,
  lockWaitMs: 300_000,
  /** Milliseconds for a package from the registry. */
  packageMs: 120_000,
  /** Bytes of all tarballs that are kept, unless MAX_PACKAGE_CACHE_BYTES says otherwise. */
  packageCacheBytesMax: 1_000_000_000,
  /** Milliseconds that a mirror is kept after its last use, and bytes of all of them. */
  mirrorAgeMs: 30 * 86_400_000,
  mirrorsBytesMax: 20_000_000_000,
  /** Milliseconds after a use during which a mirror or a scratch folder may be in use. */
  inUseMs: 3_600_000,
} as const;
export type RepositoryLimits = Readonly<Record<keyof typeof REPOSITORY_LIMITS, number>>;

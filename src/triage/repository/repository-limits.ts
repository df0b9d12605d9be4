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

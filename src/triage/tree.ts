/**
 * A tree of files in a folder, as the analyses read it: a consumer's own folder, or one that
 * was extracted from a commit or a package for one analysis. Nothing of it is installed or run.
 */
export type Tree = {
  /** Absolute path of the folder. */
  readonly path: string;
  /** What its content is called: a commit, or `npm:name@version`. Null: nobody knows. */
  readonly revision: string | null;
  /** Names of the caps that kept files out of it. */
  readonly capsHit: readonly string[];
};

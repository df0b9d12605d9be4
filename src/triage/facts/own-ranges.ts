import type { Location } from "./finding.ts";

/** A range of versions, or one version, that a consumer writes down. */
export type StatedRange = {
  readonly range: string;
  readonly place: Location;
  /** Whether it says which version runs, and not which ones may: `.nvmrc` and its like. */
  readonly isPin: boolean;
};

/** What a consumer says of what it runs on and with, as far as it uses one package. */
export type OwnRanges = {
  /** What it states of an engine where it uses the package; none: nothing. */
  engine(name: string): readonly StatedRange[];
  /** Its own ranges for a package where it uses the one. */
  dependency(name: string): readonly StatedRange[];
  /** Versions of Node that its workflows and images run, wherever that is. */
  readonly running: readonly StatedRange[];
};

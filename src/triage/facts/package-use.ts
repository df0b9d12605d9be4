import type { Location } from "./finding.ts";

/** What a consumer's code does with a value that a package gave it, at a place. */
export type PackageUse = Location & {
  readonly subpath: string;
  /**
   * Which export the value is, or comes of: a name, "default", or "*" for the module as it is
   * loaded.
   */
  readonly name: string;
  /** Whether the value is no export, but what a call or a member of one gave. */
  readonly isResult: boolean;
  /**
   * What is taken of the value: a member's name; "" for one whose name is worked out; null: the
   * value itself is called.
   */
  readonly member: string | null;
  /** Null: it is not called there. */
  readonly call: PackageCall | null;
};

/** `value` is what only has a name, or comes of a call. */
export type GivenKind = "text" | "number" | "function" | "object" | "list" | "value";

/** What a call gives to a package. */
export type PackageCall = {
  /** How many; null where they are spread. */
  readonly count: number | null;
  /** What is given, as far as the text shows, in order; of what is spread, nothing. */
  readonly kinds: readonly GivenKind[];
  /** Names of options, those within options as well. */
  readonly options: readonly string[];
  /** Strings, alone or in a list. */
  readonly texts: readonly string[];
  readonly isNew: boolean;
};

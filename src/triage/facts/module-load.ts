import type { Location } from "./finding.ts";

/** A place where a consumer's code, once it runs, loads the package or takes something of it. */
export type ModuleLoad = Location & {
  readonly subpath: string;
  /** Which of Node's loaders runs: `require` also for an `import` that is compiled to it. */
  readonly by: "import" | "require";
  /**
   * Whether that loader runs for sure; false where a bundler, or an older compiler, may decide.
   */
  readonly isCertain: boolean;
  /**
   * What is taken: an exported name, or `default.x` for a member of the default export; "*" for
   * the module as it is loaded, which is `module.exports` for `require`; "" for the load alone.
   */
  readonly name: string;
  /** What the consumer calls it there; absent where it has no name. */
  readonly written?: string | undefined;
  /** Whether what is taken is called or constructed there. */
  readonly isCalled: boolean;
  /**
   * Whether a compiler stands in between that takes `module.exports` for the default export of
   * what is no compiled ES module.
   */
  readonly hasInterop: boolean;
};

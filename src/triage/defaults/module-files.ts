import { readFileSync, realpathSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import ts from "typescript";
import { LIMITS } from "../limits.ts";
import type { PackageTree } from "../package/manifest.ts";
import { type ModuleScope, moduleScope } from "./module-scope.ts";

/** The JavaScript files of one version, parsed when they are asked for and within the limits. */
export class ModuleFiles {
  readonly directory: string;
  readonly #scopes = new Map<string, ModuleScope | null>();
  #bytes = 0;
  #isCut = false;

  constructor(tree: PackageTree) {
    this.directory = tree.directory;
  }

  /** Whether a limit kept a file out. */
  get isCut(): boolean {
    return this.#isCut;
  }

  /** What a file declares and exports; null if it is not JavaScript, too large or one too many. */
  scope(path: string): ModuleScope | null {
    const known = this.#scopes.get(path);
    if (known !== undefined) return known;
    const scope = this.#read(path);
    this.#scopes.set(path, scope);
    return scope;
  }

  /** The file of this package that a relative specifier leads to; null for any other. */
  resolve(from: string, specifier: string): string | null {
    if (!specifier.startsWith(".")) return null;
    const target = join(dirname(from), specifier);
    return ENDS.map((end) => this.#inside(target + end)).find((path) => path !== null) ?? null;
  }

  #read(path: string): ModuleScope | null {
    if (!/\.[cm]?js$/.test(path)) return null;
    const { size } = statSync(path);
    const isFull =
      this.#scopes.size >= LIMITS.defaultFilesMax ||
      this.#bytes + size > LIMITS.defaultBytesMax ||
      size > LIMITS.fileBytesMax;
    if (isFull) {
      this.#isCut = true;
      return null;
    }
    this.#bytes += size;
    const text = readFileSync(path, "utf8");
    if (isMinified(text)) return null;
    return moduleScope(ts.createSourceFile(path, text, PARSED, true));
  }

  /** The real path of a file, links followed, if that is in the package. */
  #inside(path: string): string | null {
    if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return null;
    const real = realpathSync(path);
    return real.startsWith(`${this.directory}/`) ? real : null;
  }
}

const PARSED: ts.CreateSourceFileOptions = {
  languageVersion: ts.ScriptTarget.Latest,
  jsDocParsingMode: ts.JSDocParsingMode.ParseNone,
};

const ENDS = ["", ".js", ".cjs", ".mjs", "/index.js", "/index.cjs", "/index.mjs"];

/** Names of minified code mean nothing from one version to the next. */
function isMinified(text: string): boolean {
  return text.length / text.split("\n").length > LINE_MAX;
}

/** Characters of a line on average, well above what people write. */
const LINE_MAX = 200;

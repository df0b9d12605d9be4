import { dirname, join } from "node:path";
import ts from "typescript";
import { Fence } from "../fence.ts";
import { LIMITS } from "../limits.ts";
import type { PackageTree } from "../package/manifest.ts";
import { type ModuleScope, moduleScope } from "./module-scope.ts";

/** The JavaScript files of one version, parsed when they are asked for and within the limits. */
export class ModuleFiles {
  readonly directory: string;
  readonly #fence: Fence;
  readonly #scopes = new Map<string, ModuleScope | null>();
  #bytes = 0;
  #isCut = false;

  constructor(tree: PackageTree) {
    this.directory = tree.directory;
    this.#fence = new Fence([tree.directory], { bytesMax: LIMITS.fileBytesMax });
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
    const size = this.#fence.sizeOf(path);
    if (size === undefined) return null;
    const isFull =
      this.#scopes.size >= LIMITS.defaultFilesMax ||
      this.#bytes + size > LIMITS.defaultBytesMax ||
      size > LIMITS.fileBytesMax;
    if (isFull) {
      this.#isCut = true;
      return null;
    }
    this.#bytes += size;
    const text = this.#fence.readFile(path);
    if (text === undefined || isMinified(text)) return null;
    return moduleScope(ts.createSourceFile(path, text, PARSED, true));
  }

  /** The real path of a file, links followed, if that is in the package. */
  #inside(path: string): string | null {
    return this.#fence.sizeOf(path) === undefined ? null : this.#fence.realpath(path);
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

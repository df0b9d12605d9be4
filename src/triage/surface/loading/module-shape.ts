/**
 * What a file gives to whoever loads it, told without running it: names by the lexers that Node
 * and bundlers use, the rest by what its text assigns to `module.exports`.
 */
import { join, posix } from "node:path";
import { parse as lexCommonJs } from "cjs-module-lexer";
import { parse as lexModule } from "es-module-lexer";
import { LIMITS } from "../../facts/limits.ts";
import { Fence } from "../../reading/fence.ts";
import type { PackageTree } from "../../sources/npm/manifest.ts";
import { type LoadedFile, type Loading, resolveLoad } from "../../sources/npm/node-loading.ts";
import {
  type CommonJsValue,
  type ExportedKind,
  hasTopLevelAwait,
  UNKNOWN_VALUE,
  valueIn,
} from "./common-js-value.ts";

/** What a module is to whoever loads it. */
export type ModuleShape = {
  /** What `require` returns, by what can be done with it. */
  readonly whole: ExportedKind;
  /** What the member `default` is, if there is one. */
  readonly default: ExportedKind | null;
  /** Properties of what `require` returns; null: not all are known. */
  readonly members: ReadonlySet<string> | null;
  /** Names that `import { … }` finds; null: not all are known. */
  readonly names: ReadonlySet<string> | null;
  /** Whether compilers that mix the formats take it for an ES module that was compiled. */
  readonly isCompiledModule: boolean;
  /** What `require` returns, called; absent where it is no function whose text tells. */
  readonly returned?: CommonJsValue["returned"];
  /** Whether it waits at its top level, so that `require` throws ERR_REQUIRE_ASYNC_MODULE. */
  readonly waits: boolean;
};

const UNKNOWN_SHAPE: ModuleShape = {
  whole: "unknown",
  default: "unknown",
  members: null,
  names: null,
  isCompiledModule: false,
  waits: false,
};

/** Files that lead from an entry to what it exports; more are a circle, or too many to tell. */
const FILES_MAX = 100;

/** The shapes of the modules of one version, each read once. */
export class ModuleShapes {
  readonly #tree: PackageTree;
  readonly #fence: Fence;
  readonly #known = new Map<string, ModuleShape>();

  constructor(tree: PackageTree) {
    this.#tree = tree;
    this.#fence = new Fence([tree.directory], { bytesMax: LIMITS.fileBytesMax });
  }

  shapeOf(file: LoadedFile): ModuleShape {
    const known = this.#known.get(file.path);
    if (known !== undefined) return known;
    if (this.#known.size >= FILES_MAX) return UNKNOWN_SHAPE;
    // A circle of files ends here.
    this.#known.set(file.path, UNKNOWN_SHAPE);
    const shape = this.#read(file);
    this.#known.set(file.path, shape);
    return shape;
  }

  #read({ path, format }: LoadedFile): ModuleShape {
    if (format === "json") return { ...UNKNOWN_SHAPE, whole: "object" };
    const text =
      format === "addon" ? undefined : this.#fence.readFile(join(this.#tree.directory, path));
    // An empty file stands in for what is built and not committed.
    if (text === undefined || text.trim() === "") return UNKNOWN_SHAPE;
    return format === "module" ? this.#moduleShape(path, text) : this.#commonJsShape(path, text);
  }

  #commonJsShape(path: string, text: string): ModuleShape {
    const value = valueIn(text, (specifier) => this.#required(path, specifier));
    const names = this.#lexedNames(path, text);
    return {
      whole: value.whole,
      default: value.members.get("default") ?? (value.isComplete ? null : "unknown"),
      members: value.isComplete ? new Set([...value.members.keys(), ...(names ?? [])]) : null,
      names: names === null ? null : new Set(["default", ...names]),
      isCompiledModule: value.members.has("__esModule") || (names?.has("__esModule") ?? false),
      returned: value.returned,
      waits: false,
    };
  }

  /** As Node finds them: with those of modules that are exported as a whole. */
  #lexedNames(path: string, text: string): Set<string> | null {
    try {
      const { exports, reexports } = lexCommonJs(text);
      const names = new Set(exports);
      for (const specifier of reexports) {
        const next = neighbourOf(this.#tree, path, specifier, "require");
        const inner = next === null ? null : this.shapeOf(next).names;
        // Another package's names are not known here.
        if (inner === null) return null;
        for (const name of inner) if (name !== "default") names.add(name);
      }
      return names;
    } catch {
      return null; // not CommonJS, or not JavaScript
    }
  }

  /** What a file of this version is as a value; unknown for another package. */
  #required(path: string, specifier: string): CommonJsValue {
    const next = neighbourOf(this.#tree, path, specifier, "require");
    if (next === null || next.format !== "commonjs") return UNKNOWN_VALUE;
    const shape = this.shapeOf(next);
    const { returned } = shape;
    if (shape.members === null) return { ...UNKNOWN_VALUE, whole: shape.whole, returned };
    const members = [...shape.members].map((name): [string, ExportedKind] => [
      name,
      name === "default" ? (shape.default ?? "unknown") : "unknown",
    ]);
    return { whole: shape.whole, members: new Map(members), isComplete: true, returned };
  }

  #moduleShape(path: string, text: string): ModuleShape {
    try {
      const [imports, exports] = lexModule(text);
      const own = exports.map(({ n }) => n).filter((name) => name !== undefined);
      const stars = imports.filter(({ ss, se }) => /^export\s*\*\s*from/.test(text.slice(ss, se)));
      const names = this.#withStars(
        path,
        own,
        stars.map(({ n }) => n),
      );
      const given = own.includes("module.exports") ? "unknown" : "namespace";
      return {
        whole: given,
        default: own.includes("default") ? "unknown" : null,
        members: given === "unknown" ? null : names,
        names,
        // What Node adds for compilers where there is a default export.
        isCompiledModule: own.includes("default"),
        waits: hasTopLevelAwait(text) || this.#importedWait(path, imports),
      };
    } catch {
      return UNKNOWN_SHAPE; // no ES module
    }
  }

  #withStars(
    path: string,
    own: readonly string[],
    stars: readonly (string | undefined)[],
  ): Set<string> | null {
    const names = new Set(own);
    for (const specifier of stars) {
      const next =
        specifier === undefined ? null : neighbourOf(this.#tree, path, specifier, "import");
      const inner = next === null ? null : this.shapeOf(next).names;
      if (inner === null) return null;
      for (const name of inner) if (name !== "default") names.add(name);
    }
    return names;
  }

  #importedWait(
    path: string,
    imports: readonly { readonly n?: string | undefined; readonly d: number }[],
  ): boolean {
    return imports.some(({ n, d }) => {
      const next =
        n === undefined || d !== STATIC ? null : neighbourOf(this.#tree, path, n, "import");
      return next !== null && next.format === "module" && this.shapeOf(next).waits;
    });
  }
}

/** A file of the same version that a relative specifier leads to. */
export function neighbourOf(
  tree: PackageTree,
  path: string,
  specifier: string,
  by: Loading["by"],
): LoadedFile | null {
  if (!specifier.startsWith(".")) return null;
  const subpath = `./${posix.join(posix.dirname(path), specifier)}`;
  if (subpath.startsWith("./..")) return null;
  const open = { ...tree, manifest: { ...tree.manifest, exports: undefined } };
  return resolveLoad(open, subpath, { by, node: null }).file;
}

/** Of the lexer, for an import that is no call. */
const STATIC = -1;

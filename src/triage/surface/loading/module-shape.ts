/**
 * What a file gives to whoever loads it, told without running it: names by the lexers that Node
 * and bundlers use, the rest by what its text assigns to `module.exports`.
 */
import { join, posix } from "node:path";
import { parse as lexCommonJs } from "cjs-module-lexer";
import { parse as lexModule } from "es-module-lexer";
import ts from "typescript";
import { LIMITS } from "../../facts/limits.ts";
import { Fence } from "../../reading/fence.ts";
import type { PackageTree } from "../../sources/npm/manifest.ts";
import { type LoadedFile, type Loading, resolveLoad } from "../../sources/npm/node-loading.ts";
import { SYNTAX_ALONE } from "./common-js-syntax.ts";
import {
  type CommonJsValue,
  type ExportedKind,
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
  /**
   * Which binding each of those names is, as one text for one binding, however many files hand it
   * on. A name that is not here is of a binding that is not known.
   */
  readonly bindings: ReadonlyMap<string, string>;
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
  bindings: new Map(),
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
      // To an ES module, each CommonJS module has bindings of its own.
      bindings: new Map([...(names ?? [])].map((name) => [name, bindingIn(path, name)])),
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
      const bindings = this.#ownBindings(path, text, { imports, exports });
      const stars = imports.filter(({ ss, se }) => /^export\s*\*\s*from/.test(text.slice(ss, se)));
      const names = this.#withStars(
        path,
        { names: own, bindings },
        stars.map(({ n }) => n),
      );
      const named = exports.find(({ n }) => n === "module.exports");
      const given = named === undefined ? "namespace" : kindOfLocal(text, named.ln);
      return {
        whole: given,
        default: own.includes("default") ? "unknown" : null,
        members: named === undefined ? names : null,
        names,
        bindings,
        // What Node adds for compilers where there is a default export.
        isCompiledModule: own.includes("default"),
        waits: hasTopLevelAwait(text) || this.#importedWait(path, imports),
      };
    } catch {
      return UNKNOWN_SHAPE; // no ES module
    }
  }

  /**
   * The bindings of what a module exports itself, stars aside. What an import takes from another
   * file of the version is that file's.
   */
  #ownBindings(
    path: string,
    text: string,
    { imports, exports }: Pick<Lexed, "imports" | "exports">,
  ): Map<string, string> {
    // By `import` and the name in this file, or by `export` and the name that is handed on.
    const taken = new Map<string, string | null>();
    for (const { n, d, ss, se } of imports) {
      if (d !== STATIC) continue;
      const from = n === undefined ? null : neighbourOf(this.#tree, path, n, "import");
      const given = from === null ? new Map() : this.shapeOf(from).bindings;
      const statement = text.slice(ss, se);
      for (const [local, name] of namesTaken(statement)) {
        const binding = name === null ? undefined : given.get(name);
        taken.set(`${statement.slice(0, 6)} ${local}`, binding ?? null);
      }
    }
    return new Map(
      exports.flatMap(({ n, ln }): [string, string][] => {
        const binding = taken.get(ln === undefined ? `export ${n}` : `import ${ln}`);
        if (binding === null) return [];
        return [[n, binding ?? bindingIn(path, ln ?? n)]];
      }),
    );
  }

  /**
   * The names of a module with those of the modules that it exports as a whole; adds their bindings
   * to its own. A name that two of these give is none, unless both mean one binding: whoever imports
   * it gets a SyntaxError. Where a binding is not known, they may.
   */
  #withStars(
    path: string,
    own: { readonly names: readonly string[]; readonly bindings: Map<string, string> },
    stars: readonly (string | undefined)[],
  ): Set<string> | null {
    const starred = new Map<string, Set<string | undefined>>();
    for (const specifier of stars) {
      const next =
        specifier === undefined ? null : neighbourOf(this.#tree, path, specifier, "import");
      const shape = next === null ? UNKNOWN_SHAPE : this.shapeOf(next);
      if (shape.names === null) return null;
      for (const name of shape.names) {
        const meant = starred.get(name) ?? new Set();
        starred.set(name, meant.add(shape.bindings.get(name)));
      }
    }
    const names = new Set(own.names);
    for (const [name, meant] of starred) {
      const [binding] = meant;
      if (name === "default" || names.has(name)) continue;
      if (meant.size > 1 && !meant.has(undefined)) continue;
      names.add(name);
      if (meant.size === 1 && binding !== undefined) own.bindings.set(name, binding);
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

/** What a name of a module is, where its text declares it; unknown for one that it imports. */
function kindOfLocal(text: string, name: string | undefined): ExportedKind {
  const source = ts.createSourceFile("module.mjs", text, SYNTAX_ALONE, true, ts.ScriptKind.JS);
  for (const statement of source.statements) {
    const isNamed = (node: ts.Node | undefined): boolean =>
      node !== undefined && ts.isIdentifier(node) && node.text === name;
    if (ts.isFunctionDeclaration(statement) && isNamed(statement.name)) return "function";
    if (ts.isClassDeclaration(statement) && isNamed(statement.name)) return "class";
    if (!ts.isVariableStatement(statement)) continue;
    const made = statement.declarationList.declarations.find((one) => isNamed(one.name));
    const value = made?.initializer;
    if (value === undefined) continue;
    if (ts.isArrowFunction(value) || ts.isFunctionExpression(value)) return "function";
    if (ts.isClassExpression(value)) return "class";
    if (ts.isObjectLiteralExpression(value)) return "object";
  }
  return "unknown";
}

type Lexed = {
  readonly imports: ReturnType<typeof lexModule>[0];
  readonly exports: ReturnType<typeof lexModule>[1];
};

function bindingIn(path: string, name: string): string {
  return `${path}#${name}`;
}

/**
 * The names that an import or a re-export of names brings, each with its name in the other module;
 * null for the module as a whole, and beside comments.
 */
function namesTaken(statement: string): [local: string, name: string | null][] {
  if (/\/[/*]/.test(statement)) {
    return (statement.match(/[^\s{},;"'*/]+/g) ?? []).map((word) => [word, null]);
  }
  const [before = "", listed = ""] = statement.split("{", 2);
  const whole = /\*\s*as\s+([\w$]+)/.exec(before)?.[1];
  const main = /^import\s+([\w$]+)/.exec(before)?.[1];
  const parts = (listed.split("}", 1)[0] ?? "").split(",").filter((part) => part.trim() !== "");
  return [
    ...(whole === undefined ? [] : [[whole, null] satisfies [string, null]]),
    ...(main === undefined ? [] : [[main, "default"] satisfies [string, string]]),
    ...parts.map((part): [string, string | null] => {
      const [name = "", as, local = name, more] = part.trim().split(/\s+/);
      const isPlain = (as === undefined || as === "as") && more === undefined;
      return [local, isPlain ? name : null];
    }),
  ];
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

/** Whether the top level of an ES module waits for something. */
function hasTopLevelAwait(text: string): boolean {
  if (!/\bawait\b/.test(text)) return false;
  const visit = (node: ts.Node): boolean => {
    if (ts.isFunctionLike(node)) return false;
    if (ts.isAwaitExpression(node)) return true;
    if (ts.isForOfStatement(node) && node.awaitModifier !== undefined) return true;
    return ts.forEachChild(node, visit) ?? false;
  };
  return visit(ts.createSourceFile("module.mjs", text, SYNTAX_ALONE, true, ts.ScriptKind.JS));
}

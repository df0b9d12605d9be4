import { dirname, join } from "node:path";
import ts from "typescript";
import { LIMITS } from "../../facts/limits.ts";
import { Fence } from "../../reading/fence.ts";
import type { PackageTree } from "../../sources/npm/manifest.ts";
import { type Binding, commonJsExports } from "./common-js.ts";

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

/** What a file declares at its top level, and what it exports. */
type ModuleScope = {
  readonly locals: ReadonlyMap<string, Binding>;
  readonly exports: ReadonlyMap<string, Binding>;
  /** Specifiers of modules all of whose exports it exports. */
  readonly stars: readonly string[];
  /** Whether these are `export *`, of which no name comes that two of them give. */
  readonly isModule: boolean;
  /** What `module.exports` as a whole was set to. */
  readonly whole: Binding | null;
};

/** The scope of a parsed file, of either module system. Nothing is followed to another file. */
function moduleScope(file: ts.SourceFile): ModuleScope {
  const scope: Scope = {
    locals: new Map(),
    exports: new Map(),
    stars: [],
    isModule: false,
    whole: null,
  };
  for (const statement of file.statements) addStatement(scope, statement);
  return scope;
}

type Scope = {
  locals: Map<string, Binding>;
  exports: Map<string, Binding>;
  stars: string[];
  isModule: boolean;
  whole: Binding | null;
};

function addStatement(scope: Scope, statement: ts.Statement): void {
  if (ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement)) {
    addDeclaration(scope, statement);
  } else if (ts.isVariableStatement(statement)) {
    addVariables(scope, statement);
  } else if (ts.isImportDeclaration(statement)) {
    addImport(scope, statement);
  } else if (ts.isExportDeclaration(statement)) {
    addExport(scope, statement);
  } else if (ts.isExportAssignment(statement)) {
    scope.exports.set("default", { by: "node", node: statement.expression });
  } else if (ts.isExpressionStatement(statement)) {
    commonJsExports(scope, statement.expression);
  }
}

function addDeclaration(scope: Scope, node: ts.FunctionDeclaration | ts.ClassDeclaration): void {
  const binding: Binding = { by: "node", node };
  if (node.name !== undefined) scope.locals.set(node.name.text, binding);
  if (!hasModifier(node, ts.SyntaxKind.ExportKeyword)) return;
  const isDefault = hasModifier(node, ts.SyntaxKind.DefaultKeyword);
  const name = isDefault ? "default" : node.name?.text;
  if (name !== undefined) scope.exports.set(name, binding);
}

function addVariables(scope: Scope, statement: ts.VariableStatement): void {
  const isExported = hasModifier(statement, ts.SyntaxKind.ExportKeyword);
  for (const declaration of statement.declarationList.declarations) {
    for (const [name, binding] of bindingsOf(declaration)) {
      scope.locals.set(name, binding);
      if (isExported) scope.exports.set(name, binding);
    }
    // `const x = (exports.x = …)`, and `const x = module.exports = …`
    if (declaration.initializer !== undefined) commonJsExports(scope, declaration.initializer);
  }
}

function bindingsOf({ name, initializer }: ts.VariableDeclaration): [string, Binding][] {
  if (initializer === undefined) return [];
  if (ts.isIdentifier(name)) return [[name.text, { by: "node", node: initializer }]];
  if (!ts.isObjectBindingPattern(name)) return [];
  return name.elements.flatMap((element): [string, Binding][] => {
    const key = element.propertyName ?? element.name;
    const isPlain = ts.isIdentifier(element.name) && element.dotDotDotToken === undefined;
    return isPlain && ts.isIdentifier(key)
      ? [[element.name.text, { by: "member", of: initializer, name: key.text }]]
      : [];
  });
}

function addImport(scope: Scope, { moduleSpecifier, importClause }: ts.ImportDeclaration): void {
  if (!ts.isStringLiteral(moduleSpecifier)) return;
  const from = (name: string): Binding => ({
    by: "import",
    specifier: moduleSpecifier.text,
    name,
  });
  if (importClause?.name !== undefined) scope.locals.set(importClause.name.text, from("default"));
  const bindings = importClause?.namedBindings;
  if (bindings === undefined) return;
  if (ts.isNamespaceImport(bindings)) scope.locals.set(bindings.name.text, from("*"));
  else {
    for (const { propertyName, name } of bindings.elements) {
      scope.locals.set(name.text, from((propertyName ?? name).text));
    }
  }
}

function addExport(scope: Scope, { moduleSpecifier, exportClause }: ts.ExportDeclaration): void {
  const specifier =
    moduleSpecifier !== undefined && ts.isStringLiteral(moduleSpecifier)
      ? moduleSpecifier.text
      : null;
  if (exportClause === undefined) {
    scope.isModule = true;
    if (specifier !== null) scope.stars.push(specifier);
  } else if (ts.isNamespaceExport(exportClause)) {
    if (specifier !== null) {
      scope.exports.set(exportClause.name.text, { by: "import", specifier, name: "*" });
    }
  } else {
    for (const { propertyName, name } of exportClause.elements) {
      const own = propertyName ?? name;
      const binding: Binding =
        specifier === null
          ? { by: "local", name: own.text }
          : { by: "import", specifier, name: own.text };
      scope.exports.set(name.text, binding);
    }
  }
}

function hasModifier(node: ts.HasModifiers, kind: ts.ModifierSyntaxKind): boolean {
  return node.modifiers?.some((modifier) => modifier.kind === kind) === true;
}

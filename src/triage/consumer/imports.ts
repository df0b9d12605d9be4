import { basename } from "node:path/posix";
import ts from "typescript";
import { scriptOf } from "./component-scripts.ts";
import type { ConsumerFile } from "./consumer-files.ts";
import { isShadowed } from "./shadowed-names.ts";
import type { Specifiers } from "./specifiers.ts";

/**
 * How a file comes by the package: `import` statements, `import()` and `require` load it when the
 * file runs, `resolve` asks where a file of it is, `types` says that it is needed to compile alone,
 * `setting` that a tool is told its name.
 */
type LoadedBy = "import" | "import()" | "require" | "resolve" | "types" | "setting";

/** One name that a file takes from the package. */
export type ImportUse = {
  readonly path: string;
  readonly line: number;
  readonly subpath: string;
  /** The exported name; "*" when the whole module escapes; "" for the import alone. */
  readonly name: string;
  readonly loadedBy: LoadedBy;
  /** Whether other files of the consumer see the types without an import: it is ambient there. */
  readonly isAmbient?: true;
};

/** A local name that stands for a whole module. */
type Namespace = {
  readonly local: string;
  readonly subpath: string;
  readonly whole: string;
};

type Taking = { subpath: string; loadedBy: LoadedBy };

/** What a file takes from the package, in the order of the text. */
export function importsOf(file: ConsumerFile, specifiers: Specifiers): ImportUse[] {
  // A filter before the parser, no evidence: most files never name the package.
  if (!specifiers.hints.some((hint) => file.text.includes(hint))) return [];
  return new ImportReader(file, specifiers).read();
}

/** Functions that are given the name of a module, of Jest, Vitest and Node's own test runner. */
const MOCKS = new Set(
  (
    "mock doMock unmock dontMock requireActual requireMock importActual importMock module " +
    "setMock createMockFromModule unstable_mockModule register"
  ).split(" "),
);

/** What compilers are told at the top of a file: where JSX comes from, what AMD needs. */
const IN_COMMENTS: readonly (readonly [pattern: RegExp, loadedBy: LoadedBy])[] = [
  [/@jsxImportSource\s+([\w@./-]+)/, "import"],
  [/<amd-dependency\s+path=["']([\w@./-]+)["']/, "require"],
];
/** Characters of a file that such comments stand in. */
const COMMENTS_MAX = 2_000;

class ImportReader {
  readonly #path: string;
  readonly #source: ts.SourceFile;
  readonly #specifiers: Specifiers;
  readonly #uses: ImportUse[] = [];
  /** Each once: a name may be bound to the same module many times. */
  readonly #namespaces = new Map<string, Namespace & Taking>();
  /** Names of functions that load a module: `require`, and what `createRequire` gives. */
  readonly #requires: ReadonlySet<string>;
  /** Texts that are read as specifiers already. */
  readonly #read = new Set<ts.Node>();

  constructor(file: ConsumerFile, specifiers: Specifiers) {
    const { path, text } = scriptOf(file);
    this.#path = file.path;
    this.#source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
    this.#specifiers = specifiers;
    this.#requires = requireNames(this.#source);
  }

  read(): ImportUse[] {
    this.#references();
    this.#visit(this.#source);
    const namespaces = [...this.#namespaces.values()];
    if (namespaces.length === 0) return this.#uses;
    const uses = namespaceUses(this.#source, new Set(namespaces.map(({ local }) => local)));
    for (const namespace of namespaces) {
      for (const { name, node } of uses.get(namespace.local) ?? []) {
        this.#take(node, name ?? namespace.whole, namespace);
      }
    }
    return this.#uses;
  }

  /** `/// <reference types="p" />`, and those by the path of what is installed. */
  #references(): void {
    const { typeReferenceDirectives, referencedFiles } = this.#source;
    for (const { fileName, pos } of [...typeReferenceDirectives, ...referencedFiles]) {
      const subpath = this.#subpathOf(afterInstalled(fileName));
      if (subpath === null) continue;
      this.#add(pos, { name: "", subpath, loadedBy: "types", isAmbient: true });
    }
    for (const [pattern, loadedBy] of IN_COMMENTS) {
      const found = pattern.exec(this.#source.text.slice(0, COMMENTS_MAX));
      const subpath = found === null ? null : this.#subpathOf(found[1] ?? "");
      if (found !== null && subpath !== null)
        this.#add(found.index, { name: "", subpath, loadedBy });
    }
  }

  #visit(node: ts.Node): void {
    if (ts.isImportDeclaration(node)) this.#importDeclaration(node);
    else if (ts.isExportDeclaration(node)) this.#reexport(node);
    else if (ts.isImportEqualsDeclaration(node)) this.#importEquals(node);
    else if (ts.isCallExpression(node)) this.#call(node);
    else if (ts.isImportTypeNode(node)) this.#importType(node);
    else if (ts.isModuleDeclaration(node)) this.#augmentation(node);
    else if (ts.isJSDocImportTag(node)) this.#importTag(node);
    else if (ts.isStringLiteralLike(node)) this.#name(node);
    else if (ts.isPropertyAssignment(node)) this.#key(node);
    // Comments are children only to those who ask for tokens as well; in JavaScript they have types.
    const isJavaScript = (node.flags & ts.NodeFlags.JavaScriptFile) !== 0;
    for (const child of isJavaScript ? node.getChildren(this.#source) : []) this.#visit(child);
    if (!isJavaScript) ts.forEachChild(node, (child) => this.#visit(child));
  }

  #importDeclaration(node: ts.ImportDeclaration): void {
    const clause = node.importClause;
    const taking = this.#taking(node.moduleSpecifier, isTypeOnly(clause) ? "types" : "import");
    if (taking === null) return;
    this.#take(node, "", taking);
    this.#importClause(clause, taking);
  }

  #importTag(node: ts.JSDocImportTag): void {
    const taking = this.#taking(node.moduleSpecifier, "types");
    if (taking === null) return;
    this.#take(node, "", taking);
    this.#importClause(node.importClause, taking);
  }

  #importClause(clause: ts.ImportClause | undefined, taking: Taking): void {
    if (clause?.name !== undefined) this.#take(clause.name, "default", taking);
    const bindings = clause?.namedBindings;
    if (bindings === undefined) return;
    if (ts.isNamespaceImport(bindings)) this.#bind(bindings.name, "*", taking);
    else {
      for (const { propertyName, name } of bindings.elements) {
        this.#take(name, (propertyName ?? name).text, taking);
      }
    }
  }

  /** `declare module "p"` adds to its types. */
  #augmentation(node: ts.ModuleDeclaration): void {
    const taking = this.#taking(node.name, "types");
    if (taking !== null) this.#take(node, "", taking);
  }

  #reexport(node: ts.ExportDeclaration): void {
    const taking = this.#taking(node.moduleSpecifier, node.isTypeOnly ? "types" : "import");
    if (taking === null) return;
    this.#take(node, "", taking);
    if (node.exportClause === undefined || ts.isNamespaceExport(node.exportClause)) {
      this.#take(node, "*", taking);
    } else {
      for (const { propertyName, name } of node.exportClause.elements) {
        this.#take(name, (propertyName ?? name).text, taking);
      }
    }
  }

  #importEquals(node: ts.ImportEqualsDeclaration): void {
    if (!ts.isExternalModuleReference(node.moduleReference)) return;
    const by = node.isTypeOnly ? "types" : "require";
    const taking = this.#taking(node.moduleReference.expression, by);
    if (taking === null) return;
    this.#take(node, "", taking);
    this.#bind(node.name, "default", taking);
  }

  #importType(node: ts.ImportTypeNode): void {
    const literal = ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined;
    const taking = this.#taking(literal, "types");
    if (taking === null) return;
    this.#take(node, "", taking);
    const qualifier = node.qualifier?.getText(this.#source).split(".")[0];
    this.#take(node, qualifier ?? "*", taking);
  }

  /** `require("x")` and `import("x")`, and what is done with them on the spot. */
  #call(node: ts.CallExpression): void {
    const by = this.#loaderOf(node.expression);
    const taking = by === null ? null : this.#givenTo(by, node.arguments[0]);
    if (taking === null) return;
    if (by === "resolve" || by === "setting") {
      this.#take(node, "", taking);
      return;
    }
    const dynamic = by === "import()";
    this.#take(node, "", taking);
    const whole = dynamic ? "*" : "default";
    const { parent, child } = outOfWrapping(node);
    if (ts.isPropertyAccessExpression(parent)) {
      this.#take(
        parent.name,
        dynamic && parent.name.text === "then" ? "*" : parent.name.text,
        taking,
      );
    } else if (ts.isVariableDeclaration(parent) && parent.initializer === child) {
      this.#bindPattern(parent.name, whole, taking);
    } else if (!ts.isExpressionStatement(parent)) {
      this.#take(node, whole, taking);
    }
  }

  #bindPattern(name: ts.BindingName, whole: string, taking: Taking): void {
    if (ts.isIdentifier(name)) this.#bind(name, whole, taking);
    else if (ts.isObjectBindingPattern(name)) {
      for (const element of name.elements) {
        const key = element.propertyName ?? element.name;
        const rest = element.dotDotDotToken !== undefined;
        this.#take(element, ts.isIdentifier(key) && !rest ? key.text : "*", taking);
      }
    }
  }

  #bind(name: ts.Identifier, whole: string, taking: Taking): void {
    const namespace = { local: name.text, whole, ...taking };
    this.#namespaces.set(JSON.stringify(Object.values(namespace)), namespace);
  }

  /** How a call gets the module that it is given the name of; null: it gets none. */
  #loaderOf(called: ts.Expression): LoadedBy | null {
    if (called.kind === ts.SyntaxKind.ImportKeyword) return "import()";
    if (ts.isIdentifier(called)) return this.#requires.has(called.text) ? "require" : null;
    if (ts.isCallExpression(called)) return isCreateRequire(called) ? "require" : null;
    if (!ts.isPropertyAccessExpression(called)) return null;
    const { expression: owner, name } = called;
    const isLoader =
      ts.isMetaProperty(owner) || (ts.isIdentifier(owner) && this.#requires.has(owner.text));
    if (isLoader && name.text === "resolve") return "resolve";
    return MOCKS.has(name.text) ? "setting" : null;
  }

  /**
   * The package's name as a text: in settings, which are often code, and in what is given to a
   * tool. One that may be any word counts only where a tool is set up.
   */
  #name(node: ts.StringLiteralLike): void {
    if (this.#read.has(node)) return;
    const text = afterInstalled(node.text);
    const subpath = this.#subpathOf(text);
    if (subpath === null) return;
    const isTelling = /[@/-]/.test(text) || text !== node.text || isSettings(this.#path);
    if (isTelling) this.#take(node, "", { subpath, loadedBy: "setting" });
  }

  /** A plugin as a key of settings, `plugins: { autoprefixer: {} }`. */
  #key({ name }: ts.PropertyAssignment): void {
    if (!ts.isIdentifier(name) || !isSettings(this.#path)) return;
    const subpath = this.#subpathOf(name.text);
    if (subpath !== null) this.#take(name, "", { subpath, loadedBy: "setting" });
  }

  #subpathOf(specifier: string): string | null {
    return this.#specifiers.subpathIn(this.#path, specifier);
  }

  #taking(specifier: ts.Node | undefined, loadedBy: LoadedBy): Taking | null {
    if (specifier === undefined || !ts.isStringLiteralLike(specifier)) return null;
    this.#read.add(specifier);
    const subpath = this.#subpathOf(specifier.text);
    return subpath === null ? null : { subpath, loadedBy };
  }

  /** What a call that loads is given: a name, or one of which only the ends are known. */
  #givenTo(loadedBy: LoadedBy, specifier: ts.Node | undefined): Taking | null {
    const pattern = specifier === undefined ? null : patternOf(specifier);
    if (pattern === null) return this.#taking(specifier, loadedBy);
    const subpath = this.#subpathOf(pattern);
    return subpath === null ? null : { subpath, loadedBy };
  }

  #take(node: ts.Node, name: string, { subpath, loadedBy }: Taking): void {
    this.#add(node.getStart(this.#source), { name, subpath, loadedBy });
  }

  #add(start: number, use: Omit<ImportUse, "path" | "line">): void {
    const line = this.#source.getLineAndCharacterOfPosition(start).line + 1;
    const { subpath, name, loadedBy } = use;
    const found = { path: this.#path, line, subpath, name, loadedBy };
    this.#uses.push(use.isAmbient ? { ...found, isAmbient: true } : found);
  }
}

/** What a path asks of what is installed, `node_modules/p/a.css`; other texts as they are. */
export function afterInstalled(text: string): string {
  const folder = "node_modules/";
  const at = text.lastIndexOf(folder);
  return at === -1 ? text : text.slice(at + folder.length);
}

/**
 * The constant ends of a specifier that is put together, with a star between: `p/locale/*.js`. Null
 * for a plain one, and where the start is open.
 */
function patternOf(specifier: ts.Node): string | null {
  if (ts.isTemplateExpression(specifier)) {
    const { head, templateSpans } = specifier;
    return head.text === "" ? null : `${head.text}*${templateSpans.at(-1)?.literal.text ?? ""}`;
  }
  let [first, last]: ts.Node[] = [specifier, specifier];
  while (first !== undefined && ts.isBinaryExpression(first)) {
    if (first === specifier) last = first.right;
    first = first.left;
  }
  if (first === specifier || first === undefined || !ts.isStringLiteralLike(first)) return null;
  const end = last !== undefined && ts.isStringLiteralLike(last) ? last.text : "";
  return `${first.text}*${end}`;
}

/** Whether a script sets up a tool: `eslint.config.js`, `.prettierrc.cjs`, `karma.conf.js`. */
function isSettings(path: string): boolean {
  const name = basename(path).toLowerCase();
  const [first = "", ...parts] = name.split(/[.-]/);
  return (
    name.startsWith(".") ||
    ["gulpfile", "gruntfile"].includes(first) ||
    parts.slice(0, -1).some((part) => ["config", "conf", "setup", "preset"].includes(part))
  );
}

/** Whether an import is gone when the file is compiled: all that it takes are types. */
function isTypeOnly(clause: ts.ImportClause | undefined): boolean {
  if (clause === undefined) return false;
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  const { name, namedBindings } = clause;
  if (name !== undefined || namedBindings === undefined) return false;
  return (
    ts.isNamedImports(namedBindings) &&
    namedBindings.elements.length > 0 &&
    namedBindings.elements.every((element) => element.isTypeOnly)
  );
}

function isCreateRequire(node: ts.Node | undefined): boolean {
  if (node === undefined || !ts.isCallExpression(node)) return false;
  const { expression: called } = node;
  const name = ts.isPropertyAccessExpression(called) ? called.name : called;
  return ts.isIdentifier(name) && name.text === "createRequire";
}

/** What a file calls the functions that load a module. */
export function requireNames(source: ts.SourceFile): ReadonlySet<string> {
  const names = new Set(["require"]);
  if (!source.text.includes("createRequire")) return names;
  const visit = (node: ts.Node): void => {
    const isBound = ts.isVariableDeclaration(node) && isCreateRequire(node.initializer);
    if (isBound && ts.isIdentifier(node.name)) names.add(node.name.text);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return names;
}

function outOfWrapping(node: ts.Node): { parent: ts.Node; child: ts.Node } {
  let child = node;
  while (ts.isAwaitExpression(child.parent) || ts.isParenthesizedExpression(child.parent)) {
    child = child.parent;
  }
  return { parent: child.parent, child };
}

/** What is taken through a name; `name` null: all of it, where the name is used bare. */
type NamespaceUse = { readonly name: string | null; readonly node: ts.Node };

/**
 * What is taken through local names that stand for a whole module: `ns.member` in expressions and
 * types, `ns["member"]`, `const { member } = ns`. Goes by the names, where nothing shadows them.
 */
function namespaceUses(
  source: ts.SourceFile,
  locals: ReadonlySet<string>,
): ReadonlyMap<string, readonly NamespaceUse[]> {
  const uses = new Map<string, NamespaceUse[]>([...locals].map((local) => [local, []]));
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node) && locals.has(node.text) && isReference(node) && !isShadowed(node)) {
      for (const name of takenBy(node) ?? [null]) uses.get(node.text)?.push({ name, node });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return uses;
}

function isReference(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isNamespaceImport(parent) || ts.isImportEqualsDeclaration(parent)) return false;
  if (ts.isVariableDeclaration(parent) && parent.name === node) return false;
  if (ts.isPropertyAccessExpression(parent) && parent.name === node) return false;
  return !(ts.isPropertyAssignment(parent) && parent.name === node);
}

function takenBy(node: ts.Identifier): string[] | null {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return [parent.name.text];
  if (ts.isQualifiedName(parent) && parent.left === node) return [parent.right.text];
  if (ts.isElementAccessExpression(parent) && ts.isStringLiteralLike(parent.argumentExpression)) {
    return [parent.argumentExpression.text];
  }
  if (ts.isVariableDeclaration(parent) && ts.isObjectBindingPattern(parent.name)) {
    return parent.name.elements.map((element) => {
      const key = element.propertyName ?? element.name;
      return ts.isIdentifier(key) && element.dotDotDotToken === undefined ? key.text : "*";
    });
  }
  return null;
}

import ts from "typescript";
import { isComponent } from "../facts/file-kinds.ts";
import type { ModuleLoad } from "../facts/module-load.ts";
import { scriptOf } from "./component-scripts.ts";
import type { ConsumerFile } from "./consumer-files.ts";
import { requireNames } from "./imports.ts";
import { moduleFormat } from "./module-format.ts";
import { isShadowed } from "./shadowed-names.ts";
import type { Specifiers } from "./specifiers.ts";

/** How the consumer's files are run. */
type RunSettings = {
  /** What the consumer calls the package. */
  readonly specifiers: Specifiers;
  readonly manifests: readonly ConsumerFile[];
  /** What a file of the consumer is compiled with. */
  readonly optionsOf: (path: string) => ts.CompilerOptions;
};

/**
 * The loads of the package that are left when a file runs, in the order of the text: imports of
 * types alone are gone then, and what is compiled to CommonJS calls `require`.
 */
export function moduleLoads(file: ConsumerFile, settings: RunSettings): ModuleLoad[] {
  // A filter before the parser: most files never name the package.
  if (!settings.specifiers.hints.some((hint) => file.text.includes(hint))) return [];
  return isDeclaration(file.path) ? [] : new LoadReader(file, settings).read();
}

function isDeclaration(path: string): boolean {
  return /\.d\.[cm]?ts$/.test(path);
}

/** Which loader of Node serves a statement or a call, and by which rules. */
type Route = Pick<ModuleLoad, "by" | "isCertain" | "hasInterop">;

type Taking = Route & { readonly subpath: string };

/** What a local name stands for: the module, or its default export. */
type Local = Taking & { readonly prefix: "" | "default" };

class LoadReader {
  readonly #source: ts.SourceFile;
  readonly #path: string;
  readonly #specifiers: Specifiers;
  readonly #requires: ReadonlySet<string>;
  readonly #importing: Route;
  readonly #calling: Route;
  readonly #dynamic: Route;
  /** Null: nothing is left out, as in JavaScript. */
  readonly #kept: ReadonlySet<string> | null;
  readonly #loads: ModuleLoad[] = [];
  readonly #locals = new Map<string, Local>();

  constructor(file: ConsumerFile, { specifiers, manifests, optionsOf }: RunSettings) {
    const script = scriptOf(file);
    const options = optionsOf(file.path);
    this.#path = file.path;
    this.#source = ts.createSourceFile(script.path, script.text, ts.ScriptTarget.Latest, true);
    this.#specifiers = specifiers;
    this.#requires = requireNames(this.#source);
    const isTyped = /\.[cm]?tsx?$/.test(script.path);
    // What runs a component has compiled it, to whatever it likes.
    const format = isComponent(file.path) ? null : moduleFormat(file, manifests, options);
    const hasInterop = isTyped && options.esModuleInterop !== false;
    this.#importing =
      format === "module"
        ? { by: "import", isCertain: true, hasInterop: false }
        : { by: "require", isCertain: format === "commonjs", hasInterop };
    this.#calling = { by: "require", isCertain: true, hasInterop: false };
    // Only the oldest of TypeScript's formats turns `import()` into a `require`.
    const isRewritten =
      isTyped && format === "commonjs" && options.module === ts.ModuleKind.CommonJS;
    this.#dynamic = isRewritten
      ? { by: "require", isCertain: true, hasInterop }
      : { by: "import", isCertain: true, hasInterop: false };
    this.#kept = isTyped ? keptImports(script, options) : null;
  }

  read(): ModuleLoad[] {
    this.#visit(this.#source);
    if (this.#locals.size > 0) this.#visitLocals(this.#source);
    return this.#loads;
  }

  #visit(node: ts.Node): void {
    if (ts.isImportDeclaration(node)) this.#importDeclaration(node);
    else if (ts.isExportDeclaration(node)) this.#reexport(node);
    else if (ts.isImportEqualsDeclaration(node)) this.#importEquals(node);
    else if (ts.isCallExpression(node)) this.#call(node);
    ts.forEachChild(node, (child) => this.#visit(child));
  }

  #importDeclaration({ moduleSpecifier, importClause }: ts.ImportDeclaration): void {
    const taking = this.#taking(moduleSpecifier, this.#importing);
    if (taking === null || importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword) return;
    const isKept = (name: string): boolean => this.#isKept(moduleSpecifier, name);
    if (!isKept("")) return;
    this.#add(moduleSpecifier.parent, "", taking);
    if (importClause?.name !== undefined && isKept("default"))
      this.#default(importClause.name, taking);
    const bindings = importClause?.namedBindings;
    if (bindings === undefined) return;
    if (ts.isNamespaceImport(bindings)) {
      this.#locals.set(bindings.name.text, { ...taking, prefix: "" });
      return;
    }
    for (const { propertyName, name, isTypeOnly } of bindings.elements) {
      const imported = (propertyName ?? name).text;
      if (isTypeOnly || !isKept(imported)) continue;
      if (imported === "default") this.#default(name, taking);
      else this.#add(name, imported, taking);
    }
  }

  #default(name: ts.Identifier, taking: Taking): void {
    // For Node the name is looked for at once; for a compiler only where it is used.
    this.#add(name, "default", taking);
    this.#locals.set(name.text, { ...taking, prefix: "default" });
  }

  #reexport({ moduleSpecifier, exportClause, isTypeOnly }: ts.ExportDeclaration): void {
    const taking = this.#taking(moduleSpecifier, this.#importing);
    if (taking === null || moduleSpecifier === undefined || isTypeOnly) return;
    this.#add(moduleSpecifier.parent, "", taking);
    if (exportClause === undefined || ts.isNamespaceExport(exportClause)) return;
    for (const { propertyName, name, isTypeOnly: isType } of exportClause.elements) {
      // Without the types of the package nobody tells whether a name is one.
      const isValue = !isType && (this.#kept === null || this.#isKept(moduleSpecifier, name.text));
      if (isValue) this.#add(name, (propertyName ?? name).text, taking);
    }
  }

  #importEquals(node: ts.ImportEqualsDeclaration): void {
    if (!ts.isExternalModuleReference(node.moduleReference) || node.isTypeOnly) return;
    const taking = this.#taking(node.moduleReference.expression, this.#calling);
    if (taking === null) return;
    this.#add(node, "", taking);
    this.#locals.set(node.name.text, { ...taking, prefix: "" });
  }

  /** `require("x")` and `import("x")`, and what is done with them on the spot. */
  #call(node: ts.CallExpression): void {
    const isDynamic = node.expression.kind === ts.SyntaxKind.ImportKeyword;
    const isRequire = ts.isIdentifier(node.expression) && this.#requires.has(node.expression.text);
    if (!isDynamic && !isRequire) return;
    const taking = this.#taking(node.arguments[0], isDynamic ? this.#dynamic : this.#calling);
    if (taking === null) return;
    this.#add(node, "", taking);
    const module = outOfWrapping(node);
    const { parent } = module;
    if (isDynamic && !isAwaited(node)) return;
    if (ts.isVariableDeclaration(parent) && parent.initializer === module) {
      if (ts.isIdentifier(parent.name))
        this.#locals.set(parent.name.text, { ...taking, prefix: "" });
      else this.#pattern(parent.name, { ...taking, prefix: "" });
    } else this.#use(module, { ...taking, prefix: "" });
  }

  #visitLocals(node: ts.Node): void {
    const local = ts.isIdentifier(node) ? this.#locals.get(node.text) : undefined;
    if (local !== undefined && ts.isIdentifier(node) && isReference(node) && !isShadowed(node))
      this.#use(node, local);
    ts.forEachChild(node, (child) => this.#visitLocals(child));
  }

  /** What is done with an expression that is the module, or its default export. */
  #use(node: ts.Node, local: Local): void {
    const { parent } = node;
    if (ts.isTypeNode(parent) || ts.isTypeQueryNode(parent) || ts.isQualifiedName(parent)) return;
    if (ts.isPropertyAccessExpression(parent) && parent.expression === node) {
      this.#add(parent.name, nameIn(local, parent.name.text), local, isCalled(parent));
    } else if (ts.isVariableDeclaration(parent) && ts.isObjectBindingPattern(parent.name)) {
      this.#pattern(parent.name, local);
    } else {
      this.#add(node, local.prefix === "" ? "*" : "default", local, isCalled(node));
    }
  }

  #pattern(pattern: ts.BindingName, local: Local): void {
    if (!ts.isObjectBindingPattern(pattern)) return;
    for (const { propertyName, name, dotDotDotToken, initializer } of pattern.elements) {
      const key = propertyName ?? name;
      // One with a value of its own gets along without.
      if (!ts.isIdentifier(key) || dotDotDotToken !== undefined || initializer !== undefined)
        continue;
      this.#add(key, nameIn(local, key.text), local);
    }
  }

  #taking(specifier: ts.Node | undefined, route: Route): Taking | null {
    if (specifier === undefined || !ts.isStringLiteralLike(specifier)) return null;
    const subpath = this.#specifiers.subpathIn(this.#path, specifier.text);
    return subpath === null ? null : { ...route, subpath };
  }

  #isKept(specifier: ts.Expression, name: string): boolean {
    return this.#kept === null || this.#kept.has(keptKey(textIn(specifier), name));
  }

  #add(node: ts.Node, name: string, taking: Taking, called = false): void {
    const { line } = this.#source.getLineAndCharacterOfPosition(node.getStart(this.#source));
    const { subpath, by, isCertain, hasInterop } = taking;
    this.#loads.push({
      path: this.#path,
      line: line + 1,
      subpath,
      by,
      isCertain,
      hasInterop,
      name,
      written: ts.isIdentifier(node) ? node.text : undefined,
      isCalled: called,
    });
  }
}

function nameIn({ prefix }: Local, member: string): string {
  return prefix === "" ? member : `default.${member}`;
}

function textIn(specifier: ts.Expression): string {
  return ts.isStringLiteralLike(specifier) ? specifier.text : "";
}

function keptKey(specifier: string, name: string): string {
  return JSON.stringify([specifier, name]);
}

/** What TypeScript leaves of a file's imports, by specifier and name: it drops those of types. */
function keptImports({ path, text }: ConsumerFile, options: ts.CompilerOptions): Set<string> {
  const { outputText } = ts.transpileModule(text, {
    fileName: path,
    compilerOptions: {
      module: ts.ModuleKind.ESNext,
      target: ts.ScriptTarget.ESNext,
      jsx: ts.JsxEmit.Preserve,
      verbatimModuleSyntax: options.verbatimModuleSyntax === true,
    },
  });
  const kept = new Set<string>();
  for (const node of ts.createSourceFile("kept.jsx", outputText, ts.ScriptTarget.Latest)
    .statements) {
    if (ts.isImportDeclaration(node)) {
      const specifier = textIn(node.moduleSpecifier);
      const bindings = node.importClause?.namedBindings;
      const named = bindings !== undefined && ts.isNamedImports(bindings) ? bindings.elements : [];
      const names = named.map(({ propertyName, name }) => (propertyName ?? name).text);
      const own = node.importClause?.name === undefined ? [] : ["default"];
      for (const name of ["", ...own, ...names]) kept.add(keptKey(specifier, name));
    } else if (
      ts.isExportDeclaration(node) &&
      node.moduleSpecifier !== undefined &&
      node.exportClause !== undefined &&
      ts.isNamedExports(node.exportClause)
    ) {
      for (const { name } of node.exportClause.elements)
        kept.add(keptKey(textIn(node.moduleSpecifier), name.text));
    }
  }
  return kept;
}

function outOfWrapping(node: ts.Node): ts.Node {
  const { parent } = node;
  return ts.isAwaitExpression(parent) || ts.isParenthesizedExpression(parent)
    ? outOfWrapping(parent)
    : node;
}

function isAwaited({ parent }: ts.Node): boolean {
  return (
    ts.isAwaitExpression(parent) || (ts.isParenthesizedExpression(parent) && isAwaited(parent))
  );
}

function isCalled(node: ts.Node): boolean {
  const { parent } = node;
  if (ts.isCallExpression(parent) || ts.isNewExpression(parent)) return parent.expression === node;
  if (ts.isTaggedTemplateExpression(parent)) return parent.tag === node;
  return ts.isParenthesizedExpression(parent)
    ? isCalled(parent)
    : ts.isExpressionWithTypeArguments(parent);
}

function isReference(node: ts.Node): boolean {
  const { parent } = node;
  if (ts.isImportClause(parent) || ts.isNamespaceImport(parent) || ts.isImportSpecifier(parent))
    return false;
  if (ts.isImportEqualsDeclaration(parent) || ts.isExportSpecifier(parent)) return false;
  if (ts.isVariableDeclaration(parent) || ts.isParameter(parent) || ts.isBindingElement(parent)) {
    return parent.initializer === node;
  }
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  return (
    !(ts.isPropertyAssignment(parent) && parent.name === node) && !ts.isTypeReferenceNode(parent)
  );
}

import ts from "typescript";
import { type Binding, commonJsExports } from "./common-js.ts";

/** What a file declares at its top level, and what it exports. */
export type ModuleScope = {
  readonly locals: ReadonlyMap<string, Binding>;
  readonly exports: ReadonlyMap<string, Binding>;
  /** Specifiers of modules all of whose exports it exports. */
  readonly stars: readonly string[];
  /** What `module.exports` as a whole was set to. */
  readonly whole: Binding | null;
};

/** The scope of a parsed file, of either module system. Nothing is followed to another file. */
export function moduleScope(file: ts.SourceFile): ModuleScope {
  const scope: Scope = { locals: new Map(), exports: new Map(), stars: [], whole: null };
  for (const statement of file.statements) addStatement(scope, statement);
  return scope;
}

type Scope = {
  locals: Map<string, Binding>;
  exports: Map<string, Binding>;
  stars: string[];
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

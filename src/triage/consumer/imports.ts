import ts from "typescript";
import { subpathOf } from "../compiler/compiler-host.ts";
import type { ConsumerFile } from "./consumer-files.ts";

/** One name that a file takes from the package. */
export type ImportUse = {
  readonly path: string;
  readonly line: number;
  readonly subpath: string;
  /** The exported name; "*" when the whole module escapes; "" for the import alone. */
  readonly name: string;
  readonly loadedBy: "import" | "require";
};

/** A local name that stands for a whole module. */
type Namespace = {
  readonly local: string;
  readonly subpath: string;
  readonly whole: string;
};

type Taking = { subpath: string; loadedBy: ImportUse["loadedBy"] };

/** What a file takes from the package known by `names`, in the order of the text. */
export function importsOf(file: ConsumerFile, names: readonly string[]): ImportUse[] {
  // A filter before the parser, no evidence: most files never name the package.
  if (!names.some((name) => file.text.includes(name))) return [];
  return new ImportReader(file, names).read();
}

class ImportReader {
  readonly #source: ts.SourceFile;
  readonly #names: readonly string[];
  readonly #uses: ImportUse[] = [];
  /** Each once: a name may be bound to the same module many times. */
  readonly #namespaces = new Map<string, Namespace & Taking>();

  constructor(file: ConsumerFile, names: readonly string[]) {
    this.#source = ts.createSourceFile(file.path, file.text, ts.ScriptTarget.Latest, true);
    this.#names = names;
  }

  read(): ImportUse[] {
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

  #visit(node: ts.Node): void {
    if (ts.isImportDeclaration(node)) this.#importDeclaration(node);
    else if (ts.isExportDeclaration(node)) this.#reexport(node);
    else if (ts.isImportEqualsDeclaration(node)) this.#importEquals(node);
    else if (ts.isCallExpression(node)) this.#call(node);
    else if (ts.isImportTypeNode(node)) this.#importType(node);
    ts.forEachChild(node, (child) => this.#visit(child));
  }

  #importDeclaration(node: ts.ImportDeclaration): void {
    const taking = this.#taking(node.moduleSpecifier, "import");
    if (taking === null) return;
    this.#take(node, "", taking);
    const clause = node.importClause;
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

  #reexport(node: ts.ExportDeclaration): void {
    const taking = this.#taking(node.moduleSpecifier, "import");
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
    const taking = this.#taking(node.moduleReference.expression, "require");
    if (taking === null) return;
    this.#take(node, "", taking);
    this.#bind(node.name, "default", taking);
  }

  #importType(node: ts.ImportTypeNode): void {
    const literal = ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined;
    const taking = this.#taking(literal, "import");
    if (taking === null) return;
    this.#take(node, "", taking);
    const qualifier = node.qualifier?.getText(this.#source).split(".")[0];
    this.#take(node, qualifier ?? "*", taking);
  }

  /** `require("x")` and `import("x")`, and what is done with them on the spot. */
  #call(node: ts.CallExpression): void {
    const dynamic = node.expression.kind === ts.SyntaxKind.ImportKeyword;
    const required = ts.isIdentifier(node.expression) && node.expression.text === "require";
    if (!dynamic && !required) return;
    const taking = this.#taking(node.arguments[0], dynamic ? "import" : "require");
    if (taking === null) return;

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

  #taking(specifier: ts.Node | undefined, loadedBy: Taking["loadedBy"]): Taking | null {
    if (specifier === undefined || !ts.isStringLiteralLike(specifier)) return null;
    const subpath = subpathOf(specifier.text, this.#names);
    return subpath === null ? null : { subpath, loadedBy };
  }

  #take(node: ts.Node, name: string, { subpath, loadedBy }: Taking): void {
    const start = node.getStart(this.#source);
    const line = this.#source.getLineAndCharacterOfPosition(start).line + 1;
    this.#uses.push({ path: this.#source.fileName, line, subpath, name, loadedBy });
  }
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
 * types, `ns["member"]`, `const { member } = ns`. Goes by the names alone: a shadowing variable
 * of the same name counts as well.
 */
function namespaceUses(
  source: ts.SourceFile,
  locals: ReadonlySet<string>,
): ReadonlyMap<string, readonly NamespaceUse[]> {
  const uses = new Map<string, NamespaceUse[]>([...locals].map((local) => [local, []]));
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node) && locals.has(node.text) && isReference(node)) {
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

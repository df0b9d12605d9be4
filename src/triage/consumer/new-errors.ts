import { relative } from "node:path";
import ts from "typescript";
import type { UnresolvedImport } from "../compiler/compiler-host.ts";
import { oneLine, resolveAlias, slashed } from "../compiler/declarations.ts";
import type { Diagnostic, NewError } from "../facts/finding.ts";
import type { Fence } from "../reading/fence.ts";
import type { PackagePair } from "../sources/npm/installed.ts";
import { componentPath } from "./component-scripts.ts";
import type { ConsumerProgram } from "./consumer-program.ts";
import { placeOf } from "./symbol-uses.ts";

type Programs = { readonly before: ConsumerProgram; readonly after: ConsumerProgram };

type NewErrors = {
  readonly errors: readonly NewError[];
  /** Errors that say nothing, and why: they pass through types that nobody has. */
  readonly leftOut: readonly string[];
};

/**
 * The compiler's errors in the consumer's files that only the new version brings. An error
 * is the same one if file, position and code are: its message may spell out the provider's
 * types and so differ, although the line was broken before. One that passes through something that
 * was not found may be of its absence, and is left out; so is one about a name whose import is in
 * error, which is told there.
 */
export function newErrors(
  { before, after }: Programs,
  { root, labels }: { readonly root: string; readonly labels: FolderLabels },
): NewErrors {
  const now = errorsIn(after);
  // Most upgrades bring none, so that the old version's need not be looked for.
  if (now.length === 0) return { errors: [], leftOut: [] };
  const known = new Set(errorsIn(before).map(keyOf));
  const guards = [before, after].map((program) => new MissingTypes(program, root));
  const found = now.filter((one) => !known.has(keyOf(one)) && !isUntypedInScript(one));
  const broken = new Set(found.flatMap((error) => importAround(nodeOf(error)) ?? []));
  const errors: NewError[] = [];
  const leftOut: string[] = [];
  for (const error of found) {
    const origin = importOf(error, after.program.getTypeChecker());
    if (origin !== undefined && broken.has(origin)) continue;
    const importedAt = origin === undefined ? null : placeOf(origin, root);
    const diagnostic = describeDiagnostic(error, root, labels);
    const missing = guards.map((guard) => guard.passedBy(error)).find((name) => name !== null);
    if (missing == null)
      errors.push({
        diagnostic,
        importedAt,
        within: calledAround(nodeOf(error)),
        isOfCode: isOfCode(error, after.program.getTypeChecker()),
      });
    else {
      const { path, line, code } = diagnostic;
      leftOut.push(`${path}:${line} ${code} does not count: types of "${missing}" not found`);
    }
  }
  return { errors: onceEach(errors), leftOut };
}

type LocatedDiagnostic = ts.Diagnostic & { file: ts.SourceFile; start: number };

function errorsIn({ program, files }: ConsumerProgram): LocatedDiagnostic[] {
  return files
    .flatMap((file) => program.getSemanticDiagnostics(file))
    .filter((found) => found.category === ts.DiagnosticCategory.Error)
    .filter((found): found is LocatedDiagnostic => found.file !== undefined);
}

/** "Could not find a declaration file": what is written in JavaScript runs without. */
const UNTYPED_MODULE = 7016;

function isUntypedInScript({ file, code }: LocatedDiagnostic): boolean {
  return code === UNTYPED_MODULE && /\.[cm]?jsx?$/.test(file.fileName);
}

/** A member that does not exist, a name that no module exports, with a guess or without. */
const NAME_MISSING = new Set([2339, 2551, 2305, 2614, 2724]);

/** Another number of arguments. */
const COUNT_WRONG = new Set([2554, 2555]);

/**
 * Whether JavaScript may fail by it as well, that has no types: a name is missing, or a callback
 * is given where none is called.
 */
function isOfCode(error: LocatedDiagnostic, checker: ts.TypeChecker): boolean {
  const node = nodeOf(error);
  if (NAME_MISSING.has(error.code)) return !isOnSomeOf(node, checker);
  if (COUNT_WRONG.has(error.code)) return true;
  const { parent } = node;
  if (isCallback(node) || parent === undefined) return isCallback(node);
  const isCalled = ts.isCallExpression(parent) && parent.expression === node;
  return isCallback(parent) || (isCalled && parent.arguments.some(isCallback));
}

/** A member that one part of a union has, such as `false | { unit: string }`: code need not fail. */
function isOnSomeOf(node: ts.Node, checker: ts.TypeChecker): boolean {
  const { parent } = node;
  if (parent === undefined || !ts.isPropertyAccessExpression(parent)) return false;
  const type = checker.getTypeAtLocation(parent.expression);
  return (
    type.isUnion() && type.types.some((part) => part.getProperty(node.getText()) !== undefined)
  );
}

function isCallback(node: ts.Node): boolean {
  const isFunction = ts.isFunctionExpression(node) || ts.isArrowFunction(node);
  return isFunction && ts.isCallExpression(node.parent);
}

function keyOf({ file, start, code }: LocatedDiagnostic): string {
  return `${file.fileName}:${start}:${code}`;
}

function nodeOf({ file, start, length = 0 }: LocatedDiagnostic): ts.Node {
  return nodeAt(file, start, length);
}

function importAround(node: ts.Node): ts.Node | undefined {
  return ts.findAncestor(
    node,
    (at) => ts.isImportDeclaration(at) || ts.isImportEqualsDeclaration(at),
  );
}

/** The import of the name that an error is about, if it is one elsewhere. */
function importOf(error: LocatedDiagnostic, checker: ts.TypeChecker): ts.Node | undefined {
  const node = nodeOf(error);
  if (importAround(node) !== undefined) return undefined;
  const declared = checker.getSymbolAtLocation(leftmost(node))?.declarations ?? [];
  return declared.map(importAround).find((around) => around !== undefined);
}

function onceEach(errors: readonly NewError[]): NewError[] {
  return [...new Map(errors.map((error) => [JSON.stringify(error), error])).values()];
}

function describeDiagnostic(
  { file, start, length = 0, code, messageText }: LocatedDiagnostic,
  root: string,
  labels: FolderLabels,
): Diagnostic {
  const failing = failingUse(nodeAt(file, start, length))?.getStart(file) ?? start;
  return {
    path: componentPath(slashed(relative(root, file.fileName))),
    line: file.getLineAndCharacterOfPosition(failing).line + 1,
    code: `TS${code}`,
    message: oneLine(withFolderLabels(ts.flattenDiagnosticMessageText(messageText, " "), labels)),
    subject: writtenAt(nodeAt(file, start, length)),
  };
}

/**
 * Where what `const { name } = require("p")` takes is first used: `undefined` is taken without an
 * error, in JavaScript, and fails there. Undefined for all else.
 */
function failingUse(node: ts.Node): ts.Node | undefined {
  const element = node.parent ?? node;
  const file = node.getSourceFile();
  if (!ts.isBindingElement(element) || !ts.isIdentifier(element.name)) return undefined;
  const declaration = element.parent.parent;
  const isScript = /\.c?jsx?$/.test(file.fileName);
  if (!isScript || !ts.isVariableDeclaration(declaration)) return undefined;
  const { initializer } = declaration;
  const isRequired =
    initializer !== undefined &&
    ts.isCallExpression(initializer) &&
    ts.isIdentifier(initializer.expression) &&
    initializer.expression.text === "require";
  return isRequired ? firstUseOf(file, element.name) : undefined;
}

function firstUseOf(file: ts.SourceFile, { text, end }: ts.Identifier): ts.Node | undefined {
  const visit = (node: ts.Node): ts.Node | undefined => {
    const isName = isNameOf(node.parent, node);
    if (ts.isIdentifier(node) && node.text === text && node.pos >= end && !isName) return node;
    return ts.forEachChild(node, visit);
  };
  return ts.forEachChild(file, visit);
}

/** The innermost node of a range. */
function nodeAt(file: ts.SourceFile, start: number, length: number): ts.Node {
  let node: ts.Node = file;
  for (;;) {
    const inner: ts.Node | undefined = ts.forEachChild(node, (child) =>
      child.getStart(file) <= start && child.end >= start + length ? child : undefined,
    );
    if (inner === undefined) return node;
    node = inner;
  }
}

/** Characters of what a person wrote that are told. */
const WRITTEN_MAX = 80;

/**
 * What a person wrote where the compiler objects: `r.error.errors` for `errors`, the function that
 * is called for an argument, the key of an object for its value.
 */
function writtenAt(node: ts.Node): string {
  let written = node;
  for (;;) {
    const { parent } = written;
    if (parent === undefined || ts.isSourceFile(written)) break;
    if (isNameOf(parent, written)) written = parent;
    else if (ts.isCallExpression(parent) && parent.arguments.some((one) => one === written)) {
      written = parent.expression;
      break;
    } else if (ts.isPropertyAssignment(parent)) {
      written = parent.name;
      break;
    } else break;
  }
  if (ts.isImportSpecifier(written)) written = written.propertyName ?? written.name;
  const text = written.getText().replace(/\s+/g, " ");
  return text.length > WRITTEN_MAX ? `${text.slice(0, WRITTEN_MAX - 1)}…` : text;
}

/** The last name of the innermost call that a node is given to. */
function calledAround(node: ts.Node): string | null {
  const call = ts.findAncestor(
    node.parent,
    (at) =>
      (ts.isCallExpression(at) || ts.isNewExpression(at)) &&
      at.arguments?.some((given) => given.pos <= node.pos && node.end <= given.end) === true,
  );
  if (call === undefined || !(ts.isCallExpression(call) || ts.isNewExpression(call))) return null;
  const { expression } = call;
  const name = ts.isPropertyAccessExpression(expression) ? expression.name : expression;
  return ts.isIdentifier(name) ? name.text : null;
}

function isNameOf(parent: ts.Node, node: ts.Node): boolean {
  return (
    (ts.isPropertyAccessExpression(parent) && parent.name === node) ||
    (ts.isQualifiedName(parent) && parent.right === node) ||
    (ts.isElementAccessExpression(parent) && parent.argumentExpression === node) ||
    (ts.isImportSpecifier(parent) && (parent.name === node || parent.propertyName === node))
  );
}

/** Declarations that one error is followed through. */
const FOLLOWED_MAX = 5_000;

/** Finds out whether an error passes through a type whose declarations are not there. */
class MissingTypes {
  readonly #checker: ts.TypeChecker;
  readonly #program: ts.Program;
  /** Files that import what is not there; the consumer's own are no evidence against an error. */
  readonly #incomplete: ReadonlySet<string>;

  constructor({ program, unresolved }: ConsumerProgram, root: string) {
    this.#program = program;
    this.#checker = program.getTypeChecker();
    const ambient = new Set(this.#checker.getAmbientModules().map(({ name }) => name.slice(1, -1)));
    this.#incomplete = new Set(
      missingImports(unresolved, ambient, root).map(({ containingFile }) => containingFile),
    );
  }

  /** The specifier of what is missing; null where nothing is. */
  passedBy({ file, start, length = 0 }: LocatedDiagnostic): string | null {
    const own = this.#program.getSourceFile(file.fileName);
    if (this.#incomplete.size === 0 || own === undefined) return null;
    const open = declarationsAt(this.#checker, nodeAt(own, start, length));
    const met = new Set(open);
    // What is met on the way is gone through as well.
    for (const declaration of met) {
      if (met.size > FOLLOWED_MAX) return null;
      for (const name of referredNames(declaration)) {
        const found = this.#checker.getSymbolAtLocation(name);
        const symbol = found === undefined ? undefined : resolveAlias(this.#checker, found);
        const declared = symbol?.declarations ?? [];
        for (const next of declared) if (!this.#isOfLanguage(next)) met.add(next);
        if (declared.length > 0) continue;
        if (this.#incomplete.has(declaration.getSourceFile().fileName)) {
          const specifier = found === undefined ? null : specifierOf(found);
          if (specifier !== null) return specifier;
        }
      }
    }
    return null;
  }

  #isOfLanguage(node: ts.Node): boolean {
    return this.#program.isSourceFileDefaultLibrary(node.getSourceFile());
  }
}

/** Imports outside of the consumer's own files that lead nowhere, and to no ambient module. */
function missingImports(
  unresolved: readonly UnresolvedImport[],
  ambient: ReadonlySet<string>,
  root: string,
): UnresolvedImport[] {
  return unresolved.filter(
    ({ containingFile, specifier }) =>
      !ambient.has(specifier) &&
      (!containingFile.startsWith(`${root}/`) || containingFile.includes("/node_modules/")),
  );
}

/** The declarations behind an expression: of its type, and of what it is a part of. */
function declarationsAt(checker: ts.TypeChecker, node: ts.Node): ts.Node[] {
  const found: ts.Node[] = [];
  const addType = (type: ts.Type | undefined): void => {
    if (type === undefined) return;
    for (const part of type.isUnionOrIntersection() ? [type, ...type.types] : [type]) {
      found.push(...(part.aliasSymbol?.declarations ?? []), ...(part.symbol?.declarations ?? []));
    }
  };
  for (let at = node; !ts.isStatement(at) && !ts.isSourceFile(at); at = at.parent) {
    if (ts.isPropertyAccessExpression(at) || ts.isElementAccessExpression(at)) {
      addType(checker.getTypeAtLocation(at.expression));
    }
    if (ts.isCallExpression(at) || ts.isNewExpression(at)) {
      const signature = checker.getResolvedSignature(at)?.declaration;
      if (signature !== undefined) found.push(signature);
      addType(checker.getTypeAtLocation(at.expression));
    }
    if (ts.isExpression(at)) addType(checker.getContextualType(at));
    if (ts.isIdentifier(at)) {
      const symbol = checker.getSymbolAtLocation(at);
      const declared = symbol === undefined ? [] : resolveAlias(checker, symbol).declarations;
      found.push(...(declared ?? []));
    }
  }
  return found;
}

/** The names of types, classes and values that a declaration is written with. */
function referredNames(declaration: ts.Node): ts.Node[] {
  if (ts.isSourceFile(declaration)) return [];
  const names: ts.Node[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isTypeReferenceNode(node)) names.push(leftmost(node.typeName));
    else if (ts.isExpressionWithTypeArguments(node)) names.push(leftmost(node.expression));
    else if (ts.isTypeQueryNode(node)) names.push(leftmost(node.exprName));
    ts.forEachChild(node, visit);
  };
  visit(declaration);
  return names;
}

/** Of `events.EventEmitter` the part that is imported. */
function leftmost(name: ts.Node): ts.Node {
  if (ts.isQualifiedName(name)) return leftmost(name.left);
  return ts.isPropertyAccessExpression(name) ? leftmost(name.expression) : name;
}

/** What an imported name is imported from. */
function specifierOf(symbol: ts.Symbol): string | null {
  const declared = symbol.declarations?.[0];
  const from = declared && ts.findAncestor(declared, ts.isImportDeclaration)?.moduleSpecifier;
  if (from !== undefined && ts.isStringLiteral(from)) return from.text;
  const equals = declared && ts.findAncestor(declared, ts.isImportEqualsDeclaration);
  const reference = equals?.moduleReference;
  return reference !== undefined &&
    ts.isExternalModuleReference(reference) &&
    ts.isStringLiteral(reference.expression)
    ? reference.expression.text
    : null;
}

/** Folders of the worker, the longest first, and what they are called to others. */
type FolderLabels = readonly (readonly [folder: string, label: string])[];

/** Every folder that the compiler may name: it has seen no other. */
export function folderLabels(
  pair: PackagePair,
  { root, fence }: { readonly root: string; readonly fence: Fence },
): FolderLabels {
  const labels = new Map([
    ...fence.folders.map((folder) => [folder, labelOf(folder)] as const),
    ...[pair.from, pair.to].map(
      ({ directory, manifest }) => [directory, `${manifest.name}@${manifest.version}`] as const,
    ),
    [root, "."],
  ]);
  return [...labels].toSorted(([left], [right]) => right.length - left.length);
}

/** A text of the compiler in which no folder of the worker is named. */
function withFolderLabels(text: string, labels: FolderLabels): string {
  return labels.reduce((labelled, [folder, label]) => {
    const inside = label === "." ? "" : `${label}/`;
    return labelled.replaceAll(`${folder}/`, () => inside).replaceAll(folder, () => label);
  }, text);
}

/** By what is installed there; of other folders nobody needs to know the name. */
function labelOf(folder: string): string {
  const at = folder.lastIndexOf("/node_modules");
  return at === -1 ? "…" : folder.slice(at + 1);
}

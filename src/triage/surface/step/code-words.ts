import ts from "typescript";

/** The words of the code that a consumer runs: what it calls things, and what it says. */
export type CodeWords = {
  /** Names that can be taken of something: exports, members, methods, keys. */
  readonly members: ReadonlySet<string>;
  /** All names and keys in it, and strings that could be one. */
  readonly named: ReadonlySet<string>;
  /** What it says where it fails or warns, a text a place. */
  readonly messages: ReadonlySet<string>;
  /** Of those, what is thrown: a warning it is not. */
  readonly thrown: ReadonlySet<string>;
  /** Parameters that are true unless something is given. */
  readonly switches: readonly Switch[];
};

/** `function load(text, isDocument = true)`: a parameter, its place, and the name of its function. */
type Switch = { readonly name: string; readonly of: string; readonly index: number };

/** Read the words of some files. */
export function codeWords(files: Iterable<string>): CodeWords {
  const words: Words = {
    members: new Set<string>(),
    named: new Set<string>(),
    messages: new Set<string>(),
    thrown: new Set<string>(),
    switches: [],
  };
  for (const text of files) addFile(words, text);
  return words;
}

type Words = { readonly [Key in Exclude<keyof CodeWords, "switches">]: Set<string> } & {
  readonly switches: Switch[];
};

const PARSED: ts.CreateSourceFileOptions = {
  languageVersion: ts.ScriptTarget.Latest,
  jsDocParsingMode: ts.JSDocParsingMode.ParseNone,
};

function addFile(words: Words, text: string): void {
  const source = ts.createSourceFile("module.js", text, PARSED, true, ts.ScriptKind.JS);
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node) || ts.isPrivateIdentifier(node)) addName(words, node);
    else if (ts.isStringLiteralLike(node)) addText(words, node);
    else if (ts.isNewExpression(node) || ts.isThrowStatement(node)) addMessage(words, node);
    else if (ts.isCallExpression(node) && isWarning(node)) addMessage(words, node);
    else if (ts.isParameter(node)) addSwitch(words, node);
    ts.forEachChild(node, visit);
  };
  visit(source);
}

function addName({ members, named }: Words, node: ts.Identifier | ts.PrivateIdentifier): void {
  named.add(node.text);
  if (isMember(node)) members.add(node.text);
}

/** Whether a name is given there to what can be taken: as a key, to a member, by an export. */
function isMember(node: ts.Node): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.name === node && isAssigned(parent);
  if (ts.isExportSpecifier(parent)) return parent.name === node;
  if (ts.isVariableDeclaration(parent)) {
    return parent.name === node && isExported(parent.parent.parent);
  }
  if (ts.isFunctionDeclaration(parent) || ts.isClassDeclaration(parent)) {
    return parent.name === node && isExported(parent);
  }
  const isKeyed = ts.isObjectLiteralElement(parent) || ts.isClassElement(parent);
  return isKeyed && parent.name === node;
}

function isExported(node: ts.Node): boolean {
  const modifiers = ts.canHaveModifiers(node) ? (ts.getModifiers(node) ?? []) : [];
  return modifiers.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);
}

function isAssigned(node: ts.Expression): boolean {
  const { parent } = node;
  return (
    ts.isBinaryExpression(parent) &&
    parent.left === node &&
    parent.operatorToken.kind === ts.SyntaxKind.EqualsToken
  );
}

const NAME = /^[\w$-]+$/;

function addText({ members, named }: Words, node: ts.StringLiteralLike): void {
  if (!NAME.test(node.text)) return;
  named.add(node.text);
  const { parent } = node;
  const isKey = ts.isPropertyAssignment(parent) && parent.name === node;
  const isSet = ts.isElementAccessExpression(parent) && isAssigned(parent);
  // `Object.defineProperty(exports, "x", …)`, and lists of names that members are made by.
  const isGiven = ts.isCallExpression(parent) || ts.isArrayLiteralExpression(parent);
  if (isKey || isSet || isGiven) members.add(node.text);
}

const WARNINGS = /warn|deprecat|error/i;

function isWarning({ expression }: ts.CallExpression): boolean {
  const name = ts.isPropertyAccessExpression(expression) ? expression.name : expression;
  return ts.isIdentifier(name) && WARNINGS.test(name.text);
}

/** The strings within an error that is made or thrown, or a warning, as one text. */
function addMessage({ messages, thrown }: Words, node: ts.Node): void {
  const texts: string[] = [];
  const visit = (inner: ts.Node): void => {
    if (ts.isFunctionLike(inner)) return;
    if (ts.isStringLiteralLike(inner) || ts.isTemplateHead(inner)) texts.push(inner.text);
    else if (ts.isTemplateMiddle(inner) || ts.isTemplateTail(inner)) texts.push(inner.text);
    ts.forEachChild(inner, visit);
  };
  ts.forEachChild(node, visit);
  const message = texts.join(" ").trim();
  if (message === "") return;
  messages.add(message);
  if (ts.isThrowStatement(node)) thrown.add(message);
}

function addSwitch(
  { switches }: Words,
  { name, initializer, parent }: ts.ParameterDeclaration,
): void {
  if (initializer?.kind !== ts.SyntaxKind.TrueKeyword || !ts.isIdentifier(name)) return;
  const of = parent.name === undefined || !ts.isIdentifier(parent.name) ? null : parent.name.text;
  if (of === null) return;
  switches.push({
    name: name.text,
    of,
    index: parent.parameters.findIndex((one) => one.name === name),
  });
}

/**
 * What a function takes in two versions, beside what a call of it gives: a pure reading of syntax,
 * with tests of its own.
 */
import ts from "typescript";
import type { PackageCall } from "../../facts/package-use.ts";
import type { ExportedValue } from "../defaults/exported-values.ts";

/** What can be called: a method of a class as well. */
export type Callable = ExportedValue | ts.MethodDeclaration;

/** What of a call is not taken as before; null for nothing that is seen. */
export function changeForCall(
  before: Callable,
  after: Callable,
  call: PackageCall,
): { readonly before: string; readonly after: string } | null {
  const old = signatureOf(before);
  const now = signatureOf(after);
  const changed =
    takesLess(old, now, call) ||
    hasMoved(old, now, call) ||
    takesApart(old, now, call) ||
    (!old.waits && now.isAsync);
  return changed ? { before: textOf(old), after: textOf(now) } : null;
}

/** What of a call fails by whether it has `new`; null for nothing that is seen. */
export function changeForNew(
  before: Callable,
  after: Callable,
  { isNew }: PackageCall,
): { readonly before: string; readonly after: string } | null {
  if (isNew && isConstructor(before) && !isConstructor(after)) {
    return { before: "a constructor", after: "a function that is no constructor (TypeError)" };
  }
  if (!isNew && !needsNew(before) && needsNew(after)) {
    return { before: "a function", after: "a class, which needs `new` (TypeError)" };
  }
  return null;
}

/** Arrow functions, methods, and what is async or a generator are none. */
function isConstructor(node: Callable): boolean {
  if (ts.isClassLike(node)) return true;
  const isPlain = ts.isFunctionDeclaration(node) || ts.isFunctionExpression(node);
  return isPlain && node.asteriskToken === undefined && !isAsyncFunction(node);
}

/** A class, or what a compiler made of one that still says so. */
function needsNew(node: Callable): boolean {
  return ts.isClassLike(node) || /\b_?classCallCheck\w*\)?\(this\b/.test(node.getText());
}

type Signature = {
  /** "" for one that is taken apart. */
  readonly names: readonly string[];
  /** Whether it takes any number. */
  readonly isOpen: boolean;
  readonly isAsync: boolean;
  /** Whether its text speaks of promises. */
  readonly waits: boolean;
  /** Names whose kind it looks at, `typeof options`, to take more than one. */
  readonly tested: ReadonlySet<string>;
};

function signatureOf(node: Callable): Signature {
  const taking = ts.isClassLike(node) ? node.members.find(ts.isConstructorDeclaration) : node;
  if (taking === undefined)
    return { names: [], isOpen: true, isAsync: false, waits: true, tested: new Set() };
  const text = node.getText();
  const isAsync = isAsyncFunction(taking);
  return {
    names: taking.parameters.map(({ name }) => (ts.isIdentifier(name) ? name.text : "")),
    isOpen:
      taking.parameters.some(({ dotDotDotToken }) => dotDotDotToken !== undefined) ||
      /\barguments\b/.test(text),
    isAsync,
    tested: new Set([...text.matchAll(TESTED)].map(([, name = ""]) => name)),
    waits: isAsync || /\b(?:Promise|then|await|promisify|callback|cb)\b/.test(text),
  };
}

// unproven pattern -- blanks and names have bounds, so each place is read so far
const TESTED = /\btypeof[ (]{1,3}([\w$]{1,80})(?![\w$.])/g;

function isAsyncFunction(node: ts.Node): boolean {
  const modifiers = ts.canHaveModifiers(node) ? (ts.getModifiers(node) ?? []) : [];
  return modifiers.some(({ kind }) => kind === ts.SyntaxKind.AsyncKeyword);
}

/** It is given something behind what the new one takes, that the old one took. */
function takesLess(old: Signature, now: Signature, { count }: PackageCall): boolean {
  if (count === null || now.isOpen || count <= now.names.length) return false;
  return old.isOpen || old.names.length >= count;
}

/** It takes options out of what is given, which is a text, a number or a function. */
function takesApart(old: Signature, now: Signature, { kinds }: PackageCall): boolean {
  return kinds.some((kind, index) => {
    const isPlain = kind === "text" || kind === "number" || kind === "function";
    const [earlier, later] = [old.names[index] ?? "", now.names[index] ?? null];
    if (!isPlain || earlier === "" || later === null || !OPTIONS.test(later)) return false;
    return !OPTIONS.test(earlier) || (old.tested.has(earlier) && !now.tested.has(later));
  });
}

/** What has no name is taken apart at once. */
const OPTIONS = /^(?:opts|options|)$/;

/** A parameter that it is given stands elsewhere. */
function hasMoved(old: Signature, now: Signature, { count }: PackageCall): boolean {
  return old.names.slice(0, count ?? old.names.length).some((name, index) => {
    const place = name.length < NAME_MIN ? -1 : now.names.indexOf(name);
    return place !== -1 && place !== index;
  });
}

/** Shorter names are what is left of one, and mean nothing. */
const NAME_MIN = 3;

function textOf({ names, isAsync }: Signature): string {
  const told = names.map((name) => (name === "" ? "{ … }" : name)).join(", ");
  return `${isAsync ? "async " : ""}(${told})`;
}

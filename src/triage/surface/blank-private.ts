import ts from "typescript";

/**
 * A declaration file with the private and protected members of classes overwritten by
 * blanks. With them, two versions of a class are never assignable to each other, whatever
 * the rest looks like: privates make a class nominal. Positions and lines stay.
 */
export function blankPrivate(path: string, text: string): string {
  if (!/\b(?:private|protected)\b|#\w/.test(text)) return text;

  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const blanked = text.split("");
  const visit = (node: ts.Node): void => {
    if (ts.isClassElement(node) && isHidden(node)) {
      for (let at = node.getStart(file); at < node.end; at += 1) {
        if (blanked[at] !== "\n") blanked[at] = " ";
      }
    } else {
      ts.forEachChild(node, visit);
    }
  };
  visit(file);
  return blanked.join("");
}

function isHidden(member: ts.ClassElement): boolean {
  // A hidden constructor says that nobody may call it, which is part of the surface.
  if (ts.isConstructorDeclaration(member)) return false;
  if (member.name !== undefined && ts.isPrivateIdentifier(member.name)) return true;
  const flags = ts.getCombinedModifierFlags(member);
  return (flags & (ts.ModifierFlags.Private | ts.ModifierFlags.Protected)) !== 0;
}

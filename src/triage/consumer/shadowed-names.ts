// Which names of a file mean what is declared within it. A wall: syntax alone, for readers that
// have no compiler.
import ts from "typescript";

/**
 * Whether a parameter or a declaration of a block within the file has the name, which then means
 * that. A declaration that takes the module itself, `const p = require("p")`, is none.
 */
export function isShadowed(name: ts.Identifier): boolean {
  for (let scope: ts.Node = name.parent; !ts.isSourceFile(scope); scope = scope.parent) {
    const declared = ts.isFunctionLike(scope)
      ? scope.parameters.map((one) => one.name)
      : ts.isCatchClause(scope)
        ? [scope.variableDeclaration?.name]
        : ts.isBlock(scope)
          ? scope.statements.flatMap(declaredBy)
          : ts.isForOfStatement(scope) || ts.isForStatement(scope) || ts.isForInStatement(scope)
            ? declaredIn(scope.initializer)
            : [];
    if (declared.some((one) => one !== undefined && bindsName(one, name.text))) return true;
  }
  return false;
}

function declaredBy(statement: ts.Statement): (ts.BindingName | undefined)[] {
  if (ts.isVariableStatement(statement)) return declaredIn(statement.declarationList);
  const isNamed = ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement);
  return isNamed ? [statement.name] : [];
}

function declaredIn(list: ts.Node | undefined): ts.BindingName[] {
  if (list === undefined || !ts.isVariableDeclarationList(list)) return [];
  return list.declarations.flatMap(({ name, initializer }) =>
    isTaking(initializer) ? [] : [name],
  );
}

function isTaking(value: ts.Expression | undefined): boolean {
  return value !== undefined && /\b(?:require|import)\b/.test(value.getText());
}

function bindsName(binding: ts.BindingName, name: string): boolean {
  if (ts.isIdentifier(binding)) return binding.text === name;
  return binding.elements.some((one) => ts.isBindingElement(one) && bindsName(one.name, name));
}

import ts from "typescript";
import { joinPaths, methodOf, ROUTE_METHODS, type Route } from "./route.ts";

/** The routes of Nest's controllers: `@Controller("users")` and `@Get(":id")` within. */
export function nestRoutesIn(source: ts.SourceFile): Route[] {
  const routes: Route[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isClassDeclaration(node)) routes.push(...routesOfClass(node, source));
    ts.forEachChild(node, visit);
  };
  visit(source);
  return routes;
}

function routesOfClass(node: ts.ClassDeclaration, source: ts.SourceFile): Route[] {
  const controller = decorationsOf(node).find(({ name }) => name === "Controller");
  if (controller === undefined) return [];
  return node.members.flatMap((member) =>
    decorationsOf(member)
      .filter(({ name }) => ROUTE_METHODS.has(name.toLowerCase()))
      .flatMap(({ name, paths, node: decorator }) =>
        controller.paths.flatMap((prefix) =>
          paths.map((path) => ({
            method: methodOf(name),
            path: joinPaths(prefix, path),
            file: source.fileName,
            line: source.getLineAndCharacterOfPosition(decorator.getStart(source)).line + 1,
            isParsed: true,
          })),
        ),
      ),
  );
}

type Decoration = { readonly name: string; readonly paths: string[]; readonly node: ts.Node };

function decorationsOf(node: ts.Node): Decoration[] {
  const decorators = ts.canHaveDecorators(node) ? (ts.getDecorators(node) ?? []) : [];
  return decorators.flatMap(({ expression }) => {
    if (!ts.isCallExpression(expression) || !ts.isIdentifier(expression.expression)) return [];
    const argument = expression.arguments[0];
    return [{ name: expression.expression.text, paths: pathsIn(argument), node: expression }];
  });
}

/** `"users"`, `["users", "people"]`, `{ path: "users" }`, or nothing, which is the root. */
function pathsIn(argument: ts.Expression | undefined): string[] {
  if (argument === undefined) return [""];
  if (ts.isStringLiteralLike(argument)) return [argument.text];
  if (ts.isArrayLiteralExpression(argument)) return argument.elements.flatMap(pathsIn);
  if (!ts.isObjectLiteralExpression(argument)) return [];
  const path = argument.properties.find(
    (property) => ts.isPropertyAssignment(property) && property.name.getText() === "path",
  );
  return path !== undefined && ts.isPropertyAssignment(path) ? pathsIn(path.initializer) : [""];
}

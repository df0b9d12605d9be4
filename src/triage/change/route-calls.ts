import ts from "typescript";
import { joinPaths, methodOf, ROUTE_METHODS, type Route } from "../facts/service.ts";

/** Packages whose objects register routes. */
const FRAMEWORKS = /^(?:express|fastify|hono|koa|@koa\/router|koa-router|@nestjs\/common)(?:\/|$)/;

type Registered = { readonly receiver: string; readonly route: Route };

/**
 * The routes that a file of JavaScript or TypeScript registers with express, fastify, hono,
 * koa or Nest, by its syntax. A router that the same file mounts below a prefix has it; one
 * that another file mounts has not. Null: the file names no framework, so that nobody knows
 * what its calls mean.
 */
export function routesByCalls(path: string, text: string): Route[] | null {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  if (!namesFramework(source)) return null;
  const registered: Registered[] = [];
  const prefixes = new Map<string, string>();
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node)) {
      registered.push(...registeredBy(node, source));
      notePrefix(node, prefixes);
    }
    if (ts.isVariableDeclaration(node)) noteOwnPrefix(node, prefixes);
    ts.forEachChild(node, visit);
  };
  visit(source);
  const called = registered.map(({ receiver, route }) => ({
    ...route,
    path: joinPaths(prefixes.get(receiver) ?? "", route.path),
  }));
  return [...called, ...nestRoutesIn(source)];
}

function namesFramework(source: ts.SourceFile): boolean {
  let found = false;
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteral(node) && FRAMEWORKS.test(node.text)) {
      const { parent } = node;
      found ||=
        ts.isImportDeclaration(parent) ||
        (ts.isCallExpression(parent) && parent.expression.getText(source) === "require");
    }
    if (!found) ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** What a call registers: `app.get("/x", h)`, `app.route("/x").get(h)`, `app.route({…})`. */
function registeredBy(node: ts.CallExpression, source: ts.SourceFile): Registered[] {
  const called = node.expression;
  if (!ts.isPropertyAccessExpression(called)) return [];
  const name = called.name.text;
  const at = {
    file: source.fileName,
    line: source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1,
    isParsed: true,
  };
  const receiver = called.expression.getText(source);
  if (name === "route") return fastifyRoutes(node.arguments[0], receiver, at);
  if (!ROUTE_METHODS.has(name) && name !== "del") return [];

  const method = methodOf(name === "del" ? "delete" : name);
  const chained = routeOfChain(called.expression);
  if (chained !== null) {
    const root = rootOf(called.expression).getText(source);
    return [{ receiver: root, route: { method, path: chained, ...at } }];
  }
  // koa-router may take a name first: router.get("user", "/users/:id", handler).
  const path = node.arguments.slice(0, 2).map(literalText).find(startsWithSlash);
  // With the path alone nothing is registered: that is how express reads a setting.
  if (path === undefined || node.arguments.length < 2) return [];
  return [{ receiver, route: { method, path, ...at } }];
}

type At = Pick<Route, "file" | "line" | "isParsed">;

function fastifyRoutes(options: ts.Expression | undefined, receiver: string, at: At): Registered[] {
  if (options === undefined || !ts.isObjectLiteralExpression(options)) return [];
  const path = literalText(propertyOf(options, "url") ?? propertyOf(options, "path"));
  const method = propertyOf(options, "method");
  if (!startsWithSlash(path)) return [];
  const methods =
    method !== undefined && ts.isArrayLiteralExpression(method)
      ? method.elements.map(literalText)
      : [literalText(method)];
  return methods
    .filter((name) => name !== undefined)
    .map((name) => ({ receiver, route: { method: methodOf(name), path, ...at } }));
}

/** The path of `x.route("/p")` at the root of a chain of calls; null if there is none. */
function routeOfChain(node: ts.Expression): string | null {
  if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return null;
  if (node.expression.name.text === "route") {
    const path = literalText(node.arguments[0]);
    return startsWithSlash(path) && node.arguments.length === 1 ? path : null;
  }
  return routeOfChain(node.expression.expression);
}

function rootOf(node: ts.Expression): ts.Expression {
  let root = node;
  while (ts.isCallExpression(root) && ts.isPropertyAccessExpression(root.expression)) {
    root = root.expression.expression;
  }
  return root;
}

/** `app.use("/v1", router)`, `app.route("/v1", sub)` of Hono, `app.register(…, { prefix: "/v1" })`. */
function notePrefix(node: ts.CallExpression, prefixes: Map<string, string>): void {
  const called = node.expression;
  if (!ts.isPropertyAccessExpression(called)) return;
  if (called.name.text === "register") notePlugin(node.arguments, prefixes);
  if (!/^(?:use|route)$/.test(called.name.text)) return;
  const prefix = literalText(node.arguments[0]);
  if (!startsWithSlash(prefix)) return;
  for (const mounted of node.arguments.slice(1)) {
    const router = ts.isCallExpression(mounted) ? rootOf(mounted) : mounted;
    if (ts.isIdentifier(router)) prefixes.set(router.text, prefix);
  }
}

/** A plugin of fastify that is written where it is registered: its instance has the prefix. */
function notePlugin(
  [plugin, options]: readonly ts.Expression[],
  prefixes: Map<string, string>,
): void {
  if (plugin === undefined || !(ts.isArrowFunction(plugin) || ts.isFunctionExpression(plugin)))
    return;
  if (options === undefined || !ts.isObjectLiteralExpression(options)) return;
  const [instance, prefix] = [
    plugin.parameters[0]?.name,
    literalText(propertyOf(options, "prefix")),
  ];
  if (instance !== undefined && ts.isIdentifier(instance) && startsWithSlash(prefix)) {
    prefixes.set(instance.text, prefix);
  }
}

/** `new Router({ prefix: "/v1" })` of koa, `new Hono().basePath("/v1")`. */
function noteOwnPrefix(node: ts.VariableDeclaration, prefixes: Map<string, string>): void {
  const made = node.initializer;
  if (!ts.isIdentifier(node.name) || made === undefined) return;
  const options = ts.isNewExpression(made) ? made.arguments?.[0] : undefined;
  if (options !== undefined && ts.isObjectLiteralExpression(options)) {
    const prefix = literalText(propertyOf(options, "prefix"));
    if (startsWithSlash(prefix)) prefixes.set(node.name.text, prefix);
  }
  if (ts.isCallExpression(made) && ts.isPropertyAccessExpression(made.expression)) {
    const prefix = literalText(made.arguments[0]);
    if (made.expression.name.text === "basePath" && startsWithSlash(prefix)) {
      prefixes.set(node.name.text, prefix);
    }
  }
}

/** The value of a property that an object literal spells out. */
function propertyOf(object: ts.ObjectLiteralExpression, name: string): ts.Expression | undefined {
  for (const property of object.properties) {
    const key = property.name;
    if (key === undefined || !ts.isPropertyAssignment(property)) continue;
    if ((ts.isIdentifier(key) || ts.isStringLiteral(key)) && key.text === name) {
      return property.initializer;
    }
  }
  return undefined;
}

/** The text of a literal; undefined for anything that is computed. */
function literalText(node: ts.Expression | undefined): string | undefined {
  return node !== undefined && ts.isStringLiteralLike(node) ? node.text : undefined;
}

function startsWithSlash(text: string | undefined): text is string {
  return text?.startsWith("/") === true;
}

/** The routes of Nest's controllers: `@Controller("users")` and `@Get(":id")` within. */
function nestRoutesIn(source: ts.SourceFile): Route[] {
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

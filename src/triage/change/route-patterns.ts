import { isPython, isScript } from "./file-kinds.ts";
import { joinPaths, methodOf, type Route } from "./route.ts";
import { lineFinder, type Side, textOf } from "./sides.ts";

/** `app.get("/x"`, `@router.post('/x'`; a receiver, a method, a path that begins with a slash. */
const CALL =
  /(@?)\b([A-Za-z_$][\w$]*)\s*\.\s*(get|post|put|patch|delete|head|options|all)\s*\(\s*(["'`])(\/[^"'`\n]*)\4/g;

/** `@app.route("/x", methods=["GET"])` of Flask. */
const FLASK =
  /@\s*([A-Za-z_]\w*)\s*\.\s*route\s*\(\s*(["'])(\/[^"'\n]*)\2(?:[^)\n]*methods\s*=\s*[[(]([^\])\n]*))?/g;

/** `router = APIRouter(prefix="/v1")`, `bp = Blueprint(…, url_prefix="/v1")`. */
const PREFIX =
  /\b([A-Za-z_]\w*)\s*=\s*(?:APIRouter|Blueprint)\s*\([^)]{0,500}\b(?:url_)?prefix\s*=\s*(["'])(\/[^"'\n]*)\2/g;

/** `@Get("x")` of Nest; its controller's path is not on the line. */
const NEST = /@(Get|Post|Put|Patch|Delete|Head|Options|All)\(\s*(?:(["'`])([^"'`\n]*)\2)?\s*\)/g;

/** Who calls a service with the same words that a service registers routes by. */
const CLIENTS =
  /^(?:axios|http|https|client|session|requests?|supertest|fetch\w*|got|ky|nock|cy|superagent|\$http|agent|httpx|cache|map|params|headers|redis|msw|rest|mock\w*|\w+Client|\w+_client)$/i;

/** The routes that lines of code register, by their looks. */
export function routesByPattern(path: string, side: Side): Route[] {
  if (!isScript(path) && !isPython(path)) return [];
  const text = textOf(side);
  const lineAt = lineFinder(side);
  const at: At = (index) => ({ file: path, line: lineAt(index), isParsed: false });
  return isPython(path)
    ? pythonRoutes(text, at)
    : [...scriptRoutes(text, at), ...nestRoutes(text, at)];
}

type At = (index: number) => Pick<Route, "file" | "line" | "isParsed">;

function pythonRoutes(text: string, at: At): Route[] {
  const prefixes = new Map([...text.matchAll(PREFIX)].map((found) => [found[1], found[3] ?? ""]));
  const pathFrom = (receiver: string | undefined, path: string): string =>
    joinPaths(prefixes.get(receiver) ?? "", path);
  // Without the decorator's sign it is a call of a client: `requests.get("/x")`.
  const called = [...text.matchAll(CALL)]
    .filter(([, sign]) => sign === "@")
    .map(({ 2: receiver, 3: method = "", 5: path = "", index }) => ({
      method: methodOf(method),
      path: pathFrom(receiver, path),
      ...at(index),
    }));
  const flask = [...text.matchAll(FLASK)].flatMap(
    ({ 1: receiver, 3: path = "", 4: methods, index }) =>
      flaskMethods(methods).map((method) => ({
        method,
        path: pathFrom(receiver, path),
        ...at(index),
      })),
  );
  return [...called, ...flask];
}

function flaskMethods(list: string | undefined): string[] {
  const named = [...(list ?? "").matchAll(/["'](\w+)["']/g)].map(([, name = ""]) => name);
  return named.length === 0 ? ["GET"] : named.map((name) => name.toUpperCase());
}

function scriptRoutes(text: string, at: At): Route[] {
  return [...text.matchAll(CALL)]
    .filter(({ 2: receiver = "" }) => !CLIENTS.test(receiver))
    .map(({ 3: method = "", 5: path = "", index }) => ({
      method: methodOf(method),
      path,
      ...at(index),
    }));
}

function nestRoutes(text: string, at: At): Route[] {
  return [...text.matchAll(NEST)]
    .filter(({ 3: path }) => path !== undefined && path !== "")
    .map(({ 1: method = "", 3: path = "", index }) => ({
      method: methodOf(method),
      path: joinPaths("", path),
      ...at(index),
    }));
}

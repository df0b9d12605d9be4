import { lineFinder, type Side, sideText } from "../facts/change-set.ts";
import { isCode, isPython, isScript } from "../facts/file-kinds.ts";
import { joinPaths, methodOf, type Route } from "../facts/service.ts";

/** `.get("`: a method that is called with a text. */
const CALL = /\.\s*(get|post|put|patch|delete|head|options|all)\s*\(\s*["'`]/g;
/** A path, up to what ends it. */
const PATH = /\/[^"'`\n]*/y;

/** `@app.route("/x"` of Flask. */
const FLASK = /@\s*([A-Za-z_]\w*)\s*\.\s*route\s*\(\s*(?:"(\/[^"'\n]*)"|'(\/[^"'\n]*)')/g;
/** `, methods=["GET"])` behind it. */
const METHODS = /^[^)\n]*?methods\s*=\s*[[(]([^\])\n]*)/;

/** `router = APIRouter(`, `bp = Blueprint(`. */
const ROUTER = /\b([A-Za-z_]\w*)\s*=\s*(?:APIRouter|Blueprint)\s*\(/g;
/** `prefix="/v1"`, `url_prefix="/v1"` among its arguments. */
const PREFIX = /\b(?:url_)?prefix\s*=\s*(?:"(\/[^"'\n]*)"|'(\/[^"'\n]*)')/g;
/** Characters of arguments that are looked at. */
const ARGUMENTS_MAX = 500;

/** `@Get("x")` of Nest; its controller's path is not on the line. */
const NEST = /@(Get|Post|Put|Patch|Delete|Head|Options|All)\(\s*(["'`])([^"'`\n]+)(["'`])\s*\)/g;

/** Who calls a service with the same words that a service registers routes by. */
const CLIENTS =
  /^(?:axios|http|https|client|session|requests?|supertest|fetch\w*|got|ky|nock|cy|superagent|\$http|agent|httpx|cache|map|params|headers|redis|msw|rest|mock\w*|\w+Client|\w+_client)$/i;

/** The routes that lines of code register, by their looks. */
export function routesByPattern(path: string, side: Side): Route[] {
  if (!isCode(path)) return [];
  const text = sideText(side);
  const lineAt = lineFinder(side);
  const at: At = (index) => ({ file: path, line: lineAt(index), isParsed: false });
  if (isPython(path)) return [...pythonRoutes(text, at), ...djangoRoutes(text, at)];
  if (/\.rb$/i.test(path)) return rubyRoutes(side, at);
  return isScript(path)
    ? [...scriptRoutes(text, at), ...nestRoutes(text, at)]
    : otherRoutes(text, at);
}

/** `r.GET("/x"` of Gin and Echo, `r.Get("/x"` of chi and Fiber, `app.MapGet("/x"` of ASP.NET. */
const METHOD_CALL =
  /\.\s*(?:Map)?(GET|POST|PUT|PATCH|DELETE|Get|Post|Put|Patch|Delete)\s*\(\s*"(\/[^"\n]*)"/g;
/** `mux.HandleFunc("GET /x"` and `r.Handle("/x"` of Go. */
const HANDLE = /\.\s*Handle(?:Func)?\s*\(\s*"(?:([A-Z]+) )?(\/[^"\n]*)"/g;
/** `@GetMapping("/x")` of Spring, and `@RequestMapping("/v1")` of the class around it. */
const MAPPING = /@(Get|Post|Put|Patch|Delete|Request)Mapping\s*\(/g;
const FIRST_TEXT = /"(\/?[^"\n]*)"/;
/** `Route::get('/x'` of Laravel. */
const LARAVEL = /\bRoute::(get|post|put|patch|delete)\s*\(\s*["'](\/?[^"'\n]*)["']/g;

/** Go, Java, Kotlin, C# and PHP. */
function otherRoutes(text: string, at: At): Route[] {
  const mappings = [...text.matchAll(MAPPING)].map(({ 0: start, 1: name = "", index }) => {
    const [given = ""] = text
      .slice(index + start.length)
      .slice(0, ARGUMENTS_MAX)
      .split(")", 1);
    return { name, index, path: FIRST_TEXT.exec(given)?.[1] ?? "" };
  });
  const prefixes = mappings.filter(({ name }) => name === "Request");
  const route = (method: string, path: string, index: number): Route => ({
    method: methodOf(method),
    path,
    ...at(index),
  });
  const groups = groupsIn(text);
  return [
    ...[...text.matchAll(METHOD_CALL)].map(({ 1: method = "", 2: path = "", index }) => {
      const from = receiverBefore(text, index);
      const group = from === null ? "" : (groups.get(text.slice(from, index).trimEnd()) ?? "");
      return route(method, joinPaths(group, path), index);
    }),
    ...[...text.matchAll(HANDLE)].map(({ 1: method = "all", 2: path = "", index }) =>
      route(method, path, index),
    ),
    ...mappings
      .filter(({ name }) => name !== "Request")
      .map(({ name, path, index }) => {
        const prefix = prefixes.findLast((one) => one.index < index)?.path ?? "";
        return route(name, joinPaths(prefix, path), index);
      }),
    ...[...text.matchAll(LARAVEL)].map(({ 1: method = "", 2: path = "", index }) =>
      route(method, joinPaths("", path), index),
    ),
  ];
}

/** `v1 := r.Group("/v1")` of Gin, Echo and Fiber, `var v1 = app.MapGroup("/v1")` of ASP.NET. */
const GROUP = /\.(?:Map)?Group\("(\/[^"\n]*)"/g;

/** The prefixes of groups by their names, one within the other. */
function groupsIn(text: string): ReadonlyMap<string, string> {
  const groups = new Map<string, string>();
  for (const { 1: prefix = "", index } of text.matchAll(GROUP)) {
    const line = text.slice(text.lastIndexOf("\n", index) + 1, index);
    const [declared = "", outer = ""] = line.split("=", 2).map((part) => part.trim());
    const name = declared.replace(":", "").trim().split(" ").at(-1) ?? "";
    groups.set(name, joinPaths(groups.get(outer) ?? "", prefix));
  }
  return groups;
}

/** `path("users/<int:id>/", view)` of Django; what another file's patterns are put below is none. */
const DJANGO = /\bpath\(["']([^"'\n]*)["'],/g;

function djangoRoutes(text: string, at: At): Route[] {
  if (!/\burlpatterns\b/.test(text)) return [];
  return [...text.matchAll(DJANGO)].flatMap(({ 0: start, 1: path = "", index }) => {
    const given = text
      .slice(index + start.length)
      .slice(0, ARGUMENTS_MAX)
      .trimStart();
    if (given.startsWith("include(")) return [];
    return [{ method: methodOf("all"), path: joinPaths("", path), ...at(index) }];
  });
}

/** `get "/users", to: …` of Rails, `get "/users" do` of Sinatra. */
const RUBY_VERB = /^(get|post|put|patch|delete)[ (]["']([^"'\n]*)["']/;
/** `namespace :v1 do`, `scope "/v1" do`, `scope path: "/v1" do`. */
const RUBY_SCOPE = /^(?:namespace|scope) (?:path: )?[:"']([\w/-]+)/;

function rubyRoutes(side: Side, at: At): Route[] {
  if (!/\.routes\.draw\b|\bsinatra\b/i.test(sideText(side))) return [];
  const routes: Route[] = [];
  // One for each block that is open, "" where it says nothing of paths.
  const prefixes: string[] = [];
  let index = 0;
  for (const line of side.lines) {
    const text = line.text.trim();
    const [, method, path = ""] = RUBY_VERB.exec(text) ?? [];
    if (method !== undefined) {
      routes.push({
        method: methodOf(method),
        path: joinPaths(prefixes.join("/"), path),
        ...at(index),
      });
    }
    const opens = text.endsWith(" do") || (text.endsWith("|") && text.includes(" do |"));
    if (opens) prefixes.push(RUBY_SCOPE.exec(text)?.[1] ?? "");
    else if (text === "end") prefixes.pop();
    index += line.text.length + 1;
  }
  return routes;
}

type At = (index: number) => Pick<Route, "file" | "line" | "isParsed">;

function pythonRoutes(text: string, at: At): Route[] {
  const prefixes = new Map(
    [...text.matchAll(ROUTER)].flatMap(({ 0: start, 1: name = "", index }) => {
      const prefix = prefixIn(text.slice(index + start.length).slice(0, 2 * ARGUMENTS_MAX));
      return prefix === null ? [] : [[name, prefix]];
    }),
  );
  const pathFrom = (receiver: string, path: string): string =>
    joinPaths(prefixes.get(receiver) ?? "", path);
  // Without the decorator's sign it is a call of a client: `requests.get("/x")`.
  const called = callsIn(text)
    .filter(({ isDecorator }) => isDecorator)
    .map(({ receiver, method, path, index }) => ({
      method: methodOf(method),
      path: pathFrom(receiver, path),
      ...at(index),
    }));
  const flask = [...text.matchAll(FLASK)].flatMap((found) => {
    const { 0: whole, 1: receiver = "", 2: inDouble, 3: inSingle = "", index } = found;
    const behind = text.slice(index + whole.length).slice(0, ARGUMENTS_MAX);
    return flaskMethods(METHODS.exec(behind)?.[1]).map((method) => ({
      method,
      path: pathFrom(receiver, inDouble ?? inSingle),
      ...at(index),
    }));
  });
  return [...called, ...flask];
}

/** The last of a router's arguments that is a prefix; null if none is. */
function prefixIn(given: string): string | null {
  const end = given.indexOf(")");
  const last = [...given.matchAll(PREFIX)].findLast(
    ({ index }) => index <= ARGUMENTS_MAX && (end === -1 || index < end),
  );
  return last === undefined ? null : (last[1] ?? last[2] ?? null);
}

function flaskMethods(list: string | undefined): string[] {
  const named = [...(list ?? "").matchAll(/["'](\w+)["']/g)].map(([, name = ""]) => name);
  return named.length === 0 ? ["GET"] : named.map((name) => name.toUpperCase());
}

function scriptRoutes(text: string, at: At): Route[] {
  return callsIn(text)
    .filter(({ receiver }) => !CLIENTS.test(receiver))
    .map(({ method, path, index }) => ({ method: methodOf(method), path, ...at(index) }));
}

function nestRoutes(text: string, at: At): Route[] {
  return [...text.matchAll(NEST)]
    .filter(({ 2: opening, 4: closing }) => opening === closing)
    .map(({ 1: method = "", 3: path = "", index }) => ({
      method: methodOf(method),
      path: joinPaths("", path),
      ...at(index),
    }));
}

type Call = {
  readonly receiver: string;
  readonly method: string;
  readonly path: string;
  /** Whether `@` stands before it. */
  readonly isDecorator: boolean;
  readonly index: number;
};

/** `app.get("/x"`, `@router.post('/x'`: a receiver, a method, a path that begins with a slash. */
function callsIn(text: string): Call[] {
  const calls: Call[] = [];
  let end = 0;
  for (const { 0: start, 1: method = "", index } of text.matchAll(CALL)) {
    if (index < end) continue;
    PATH.lastIndex = index + start.length;
    const path = PATH.exec(text)?.[0];
    if (path === undefined || text.charAt(PATH.lastIndex) !== start.at(-1)) continue;
    const from = receiverBefore(text, index);
    if (from === null) continue;
    end = PATH.lastIndex + 1;
    const isDecorator = text.charAt(from - 1) === "@";
    const receiver = text.slice(from, index).trimEnd();
    calls.push({ receiver, method, path, isDecorator, index: isDecorator ? from - 1 : from });
  }
  return calls;
}

/** Where the name begins that stands before a dot; null if there is none. */
function receiverBefore(text: string, dot: number): number | null {
  let end = dot;
  while (end > 0 && /\s/.test(text.charAt(end - 1))) end--;
  let start = end;
  while (start > 0 && /[\w$]/.test(text.charAt(start - 1))) start--;
  // A name begins where a word does, or behind one: `$` is part of no word.
  for (let at = start; at < end; at++) {
    const isBoundary = /\w/.test(text.charAt(at)) !== /\w/.test(text.charAt(at - 1));
    if (isBoundary && /[A-Za-z_$]/.test(text.charAt(at))) return at;
  }
  return null;
}

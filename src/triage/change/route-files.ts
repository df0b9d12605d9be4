// Routes by where a file lies: frameworks that make a path of folders and a method of what a file
// exports. A wall: pure, with tests of its own.
import type { Side } from "../facts/change-set.ts";
import { isScript } from "../facts/file-kinds.ts";
import { methodOf, ROUTE_METHODS, type Route } from "../facts/service.ts";

const EXPORTED =
  /\bexport\s+(?:async\s+)?(?:function|const|let)\s+(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS)\b/;

/** The routes that a file serves by its name and by what it exports. */
export function routesByFile(path: string, side: Side): Route[] {
  if (!isScript(path) || side.lines.length === 0) return [];
  const parts = path.replace(/\.[cm]?[jt]sx?$/, "").split("/");
  return handlersIn(path, parts, side) ?? pagesIn(path, parts, side);
}

/**
 * `app/v1/orders/[id]/route.ts` of Next, `src/routes/v1/orders/[id]/+server.ts` of SvelteKit: a
 * function for each method.
 */
function handlersIn(path: string, parts: readonly string[], side: Side): Route[] | null {
  const root = parts.at(-1) === "route" ? "app" : parts.at(-1) === "+server" ? "routes" : null;
  const at = root === null ? -1 : parts.indexOf(root);
  if (at === -1) return null;
  return side.lines.flatMap(({ text, line }) => {
    const method = EXPORTED.exec(text)?.[1];
    const served = { path: pathOf(parts.slice(at + 1, -1)), file: path, line, isParsed: true };
    return method === undefined ? [] : [{ method, ...served }];
  });
}

/**
 * `pages/api/orders/[id].ts` of Next: one function for every method. `server/api/orders.get.ts` of
 * Nuxt and Nitro: one function, of the method in its name.
 */
function pagesIn(path: string, parts: readonly string[], side: Side): Route[] {
  const served = side.lines.find(({ text }) => /\bexport\s+default\b/.test(text));
  if (served === undefined) return [];
  const route = (method: string, folders: readonly string[]): Route[] => [
    {
      method: methodOf(method),
      path: pathOf(folders),
      file: path,
      line: served.line,
      isParsed: true,
    },
  ];
  const page = parts.indexOf("pages") + 1;
  if (page > 0 && parts[page] === "api") return route("all", parts.slice(page));
  const server = parts.indexOf("server") + 1;
  const isApi = parts[server] === "api";
  if (server === 0 || (!isApi && parts[server] !== "routes")) return [];
  const folders = parts.slice(isApi ? server : server + 1);
  const [name = "", method] = (folders.pop() ?? "").split(".", 2);
  if (method !== undefined && !ROUTE_METHODS.has(method)) return [];
  return route(method ?? "all", [...folders, name]);
}

/** `(shop)/orders/[id]` is `/orders/:id`; an index is its folder. */
function pathOf(folders: readonly string[]): string {
  const segments = folders
    .filter((part) => part !== "" && !part.startsWith("(") && !part.startsWith("@"))
    .map((part) => (part.startsWith("[") ? `:${part.replaceAll(/[^\w]/g, "")}` : part));
  if (segments.at(-1) === "index") segments.pop();
  return `/${segments.join("/")}`;
}

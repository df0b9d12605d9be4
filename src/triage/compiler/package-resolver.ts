import { join } from "node:path";
import ts from "typescript";
import type { Fence } from "../fence.ts";
import { fencedHost } from "./fenced-host.ts";

/** A folder that answers to a package's name, wherever it really is. */
export type PackageView = {
  /** The package's name, and the names a consumer gave it as an alias. */
  readonly names: readonly string[];
  readonly directory: string;
};

/**
 * The subpath that a specifier asks of a package ("." for the package itself), or null if
 * it is about another one.
 */
export function subpathOf(specifier: string, names: readonly string[]): string | null {
  for (const name of names) {
    if (specifier === name) return ".";
    if (specifier.startsWith(`${name}/`)) return `.${specifier.slice(name.length)}`;
  }
  return null;
}

export type Asked = {
  readonly specifier: string;
  readonly view: PackageView;
  /** What may be read of the view's folder. */
  readonly fence: Fence;
};

/**
 * Resolve a specifier with TypeScript's own rules as if the view's folder were installed
 * under the specifier's name. The folder is mounted below a path that cannot exist, so
 * nothing that is installed for real can answer instead.
 */
export function resolveInView(
  { specifier, view, fence }: Asked,
  options: ts.CompilerOptions,
  mode: ts.ResolutionMode,
): ts.ResolvedModuleFull | undefined {
  const name = view.names.find((known) => subpathOf(specifier, [known]) !== null);
  if (name === undefined) return undefined;

  const mount = `${MOUNT}/node_modules/${name}`;
  const host = mountedHost(mount, view.directory, fence);
  const containing = `${MOUNT}/consumer.ts`;
  const resolved = ts.resolveModuleName(
    specifier,
    containing,
    options,
    host,
    undefined,
    undefined,
    mode,
  ).resolvedModule;
  if (resolved === undefined) return undefined;
  return {
    ...resolved,
    resolvedFileName: realPath(resolved.resolvedFileName, mount, view.directory),
  };
}

const MOUNT = "/.triaged-mount";

/** No `realpath` on purpose: the resolver must stay on mounted paths. */
function mountedHost(mount: string, directory: string, fence: Fence): ts.ModuleResolutionHost {
  const { fileExists, readFile, directoryExists } = fencedHost(fence);
  const inside = (path: string): boolean => path === mount || path.startsWith(`${mount}/`);
  const real = (path: string): string => realPath(path, mount, directory);
  return {
    fileExists: (path) => inside(path) && fileExists(real(path)),
    readFile: (path) => (inside(path) ? readFile(real(path)) : undefined),
    directoryExists: (path) =>
      mount.startsWith(`${path}/`) || (inside(path) && directoryExists(real(path))),
  };
}

function realPath(path: string, mount: string, directory: string): string {
  return path.startsWith(mount) ? join(directory, path.slice(mount.length)) : path;
}

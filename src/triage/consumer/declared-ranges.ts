// Ranges that a package.json only refers to: `catalog:` of pnpm, Yarn and Bun, and `workspace:`. A wall
// beside exposure.ts, which another reader of manifests may need: with tests of its own.
import { join } from "node:path";
import { isRecord } from "../../index.ts";
import type { Fence } from "../reading/fence.ts";
import { readDocument } from "../reading/read-document.ts";
import type { Manifest } from "../sources/npm/manifest.ts";

/** What ranges of one repository refer to. */
export type RangeSources = {
  /** Ranges by package, by the name of the catalog; "default" for the one without a name. */
  readonly catalogs: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** Versions of the repository's own packages, by name. */
  readonly members: ReadonlyMap<string, string>;
};

/** Files beside the root's package.json that hold catalogs. */
const CATALOG_FILES = ["pnpm-workspace.yaml", ".yarnrc.yml"];

/**
 * Read the catalogs and members of a repository. What is not there, or does not parse, is none.
 */
export function rangeSourcesOf(
  fence: Fence,
  root: string,
  manifests: readonly Manifest[],
): RangeSources {
  const [own] = manifests;
  const documents: unknown[] = [
    ...CATALOG_FILES.map((name) => documentIn(fence.readFile(join(root, name)))),
    own,
    own?.["workspaces"],
  ];
  const catalogs = new Map<string, Map<string, string>>();
  for (const document of documents.filter(isRecord)) {
    const named = isRecord(document["catalogs"]) ? Object.entries(document["catalogs"]) : [];
    for (const [name, catalog] of [["default", document["catalog"]] as const, ...named]) {
      const ranges = isRecord(catalog) ? Object.entries(catalog) : [];
      const known = catalogs.get(name) ?? new Map<string, string>();
      for (const [key, range] of ranges) if (typeof range === "string") known.set(key, range);
      catalogs.set(name, known);
    }
  }
  const members = manifests.flatMap(({ name, version }) =>
    name === "" || version === "" ? [] : [[name, version] as const],
  );
  return { catalogs, members: new Map(members) };
}

function documentIn(text: string | undefined): unknown {
  const document = text === undefined ? null : readDocument(text);
  return document !== null && "value" in document ? document.value : null;
}

/**
 * The range that a package.json means by what it writes; as it is written where nothing says what
 * it refers to.
 */
export function declaredRange(
  key: string,
  written: string,
  { catalogs, members }: RangeSources,
): string {
  if (written.startsWith("catalog:")) {
    const name = written.slice("catalog:".length).trim() || "default";
    const range = catalogs.get(name)?.get(key);
    return range === undefined || range.startsWith("catalog:")
      ? written
      : declaredRange(key, range, { catalogs, members });
  }
  if (!written.startsWith("workspace:")) return written;
  const range = written.slice("workspace:".length);
  if (/^@?[^@]+@./.test(range)) return `npm:${range}`;
  if (!["*", "^", "~"].includes(range)) return range.startsWith(".") ? written : range;
  const version = members.get(key);
  if (version === undefined) return written;
  return range === "*" ? version : `${range}${version}`;
}

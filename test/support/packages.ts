/** Packages of npm: two versions and their consumer in folders, and tarballs of any members. */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { Header } from "tar";
import { test as base } from "vitest";
import type { Analysis, AnalysisRequest } from "../../src/triage/facts/analysis.ts";
import { lendFolder } from "./folders-and-ports.ts";

/** Files by path. A package.json may be a text, or fields beside the usual ones. */
export type Files = Readonly<Record<string, string | Readonly<Record<string, unknown>>>>;

export type Upgrade = { readonly from?: Files; readonly to?: Files; readonly consumer?: Files };

export type MakeUpgrade = (upgrade: Upgrade) => Promise<AnalysisRequest>;

/**
 * A test that can write two versions of a package named "provider", 1.0.0 and 1.1.0, and a
 * consumer that depends on ^1.0.0. The folder goes with the test.
 */
export const test = base.extend<{ folder: string; makeUpgrade: MakeUpgrade }>({
  folder: lendFolder,
  makeUpgrade: async ({ folder }, use) => {
    await use(async ({ from = {}, to = {}, consumer = {} }) => {
      await writeTree(join(folder, "from"), { name: "provider", version: "1.0.0" }, from);
      await writeTree(join(folder, "to"), { name: "provider", version: "1.1.0" }, to);
      const dependencies = { provider: "^1.0.0" };
      await writeTree(join(folder, "consumer"), { name: "consumer", dependencies }, consumer);
      return requestFor(folder);
    });
  },
});

/** Write files below a folder; package.json is there in any case. */
export async function writeTree(
  folder: string,
  manifest: Readonly<Record<string, unknown>>,
  files: Files,
): Promise<void> {
  for (const [path, content] of Object.entries({ "package.json": {}, ...files })) {
    const text =
      typeof content === "string" ? content : JSON.stringify({ ...manifest, ...content }, null, 2);
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
}

function requestFor(folder: string): AnalysisRequest {
  return {
    package: {
      name: "provider",
      from: "1.0.0",
      to: "1.1.0",
      fromPath: join(folder, "from"),
      toPath: join(folder, "to"),
    },
    consumer: { path: join(folder, "consumer"), interfaceFiles: [] },
    searchFrom: [],
    depth: "types",
  };
}

/** What breaks or may, and where the consumer meets it. */
export function breakingHits({ hits }: Analysis): string[] {
  return hits
    .filter(({ finding }) => finding.breaking !== "no")
    .map(({ finding, usage, hits: places }) =>
      [finding.id, usage, ...places.map(({ path, line }) => `${path}:${line}`)].join(" "),
    );
}

export type Member = Readonly<{
  path: string;
  content?: string;
  type?: "File" | "SymbolicLink" | "Link";
}>;

/** A tarball of any members, also those that no tool would write. */
export function tarballOf(members: readonly Member[]): Buffer {
  return gzipSync(tarOf(members));
}

export function tarOf(members: readonly Member[]): Buffer {
  const blocks = members.flatMap(({ path, content = "", type = "File" }) => {
    const isFile = type === "File";
    const body = Buffer.from(isFile ? content : "");
    const header = new Header({
      path,
      type,
      size: body.length,
      mode: 0o777,
      ...(isFile ? {} : { linkpath: content }),
    });
    const block = Buffer.alloc(512);
    header.encode(block, 0);
    return [...longName(path), block, body, Buffer.alloc((512 - (body.length % 512)) % 512)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

/** What GNU tar writes before a member whose name has more than 100 bytes. */
function longName(path: string): Buffer[] {
  const name = Buffer.from(`${path}\0`);
  if (name.length <= 100) return [];
  const block = Buffer.alloc(512);
  new Header({ path: "././@LongLink", type: "NextFileHasLongPath", size: name.length }).encode(
    block,
    0,
  );
  return [block, name, Buffer.alloc((512 - (name.length % 512)) % 512)];
}

export function provider(version: string): Member[] {
  return [
    { path: "package/package.json", content: JSON.stringify({ name: "provider", version }) },
    { path: "package/index.d.ts", content: `export const version: "${version}";\n` },
  ];
}

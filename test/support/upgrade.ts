import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test as base } from "vitest";
import type { AnalysisRequest } from "../../src/triage/facts/analysis.ts";
import { makeTemporaryFolder } from "./temporary-folder.ts";

/** Files by path. A package.json may be a text, or fields beside the usual ones. */
export type Files = Readonly<Record<string, string | Readonly<Record<string, unknown>>>>;

export type Upgrade = { readonly from?: Files; readonly to?: Files; readonly consumer?: Files };

export type MakeUpgrade = (upgrade: Upgrade) => Promise<AnalysisRequest>;

/**
 * A test that can write two versions of a package named "provider", 1.0.0 and 1.1.0, and a
 * consumer that depends on ^1.0.0. The folder goes with the test.
 */
export const test = base.extend<{ folder: string; makeUpgrade: MakeUpgrade }>({
  folder: async ({}, use) => {
    const folder = await makeTemporaryFolder();
    await use(folder.path);
    await folder.remove();
  },
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

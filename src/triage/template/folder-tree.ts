import { join } from "node:path";
import type { JoinedStore } from "./joined-store.ts";

/** What no repository keeps. */
const LEFT_OUT = ["node_modules", "__pycache__", ".venv"];

/**
 * The files of a folder as a tree in the store, without what its .gitignore names: what git
 * would commit. The folder is only read, and no filter of its attributes is run. Rejects where
 * a file cannot be read: what is not seen would count as missing.
 */
export async function folderTree(store: JoinedStore, path: string): Promise<string> {
  const environment = { GIT_INDEX_FILE: join(store.folder, "folder.index") };
  const excluded = LEFT_OUT.map((name) => `:(top,exclude,glob)**/${name}/**`);
  const args = ["add", "--all", "--", ":(top)", ...excluded];
  await store.run([`--work-tree=${path}`, ...args], { environment });
  return await store.line(["write-tree"], { environment });
}

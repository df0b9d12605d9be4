import { dirname } from "node:path";
import { findUp } from "find-up";

export async function projectRoot(from: string): Promise<string> {
  const manifest = await findUp("package.json", { cwd: from, type: "file" });
  if (manifest === undefined) throw new Error(`no package.json above ${from}`);
  return dirname(manifest);
}

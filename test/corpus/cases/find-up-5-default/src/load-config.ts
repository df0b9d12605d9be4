import { readFile } from "node:fs/promises";
import findUp from "find-up";

export async function loadConfig(): Promise<unknown> {
  const path = await findUp(["app.config.json", ".apprc"]);
  return path === undefined ? {} : JSON.parse(await readFile(path, "utf8"));
}

export const rootOf = (cwd: string): string | undefined => findUp.sync("package.json", { cwd });

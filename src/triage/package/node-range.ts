import { join } from "node:path";
import semver from "semver";
import { Fence } from "../fence.ts";
import type { PackageTree } from "./manifest.ts";

/** Where a project writes down its Node for version managers. */
const PINS = [".nvmrc", ".node-version"];

/**
 * The versions of Node that a project says it runs on: its `engines`, else what version managers
 * read. Undefined if nothing says so, or only a name such as `lts/*`.
 */
export function nodeRange({ manifest, directory }: PackageTree): string | undefined {
  if (manifest.engines["node"] !== undefined) return manifest.engines["node"];
  const fence = new Fence([directory]);
  return PINS.map((file) => firstLine(fence.readFile(join(directory, file)) ?? "")).find(
    (line) => line !== "" && semver.validRange(line) !== null,
  );
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0]?.trim() ?? "";
}

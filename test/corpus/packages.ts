import { execFileSync } from "node:child_process";
import { statSync } from "node:fs";
import path from "node:path";
import { PACKAGES } from "./case.ts";

/** Install the packages of the corpus, unless those of its lockfile are there. */
export function installPackages(): void {
  const locked = path.join(PACKAGES, "package-lock.json");
  const installed = path.join(PACKAGES, "node_modules/.package-lock.json");
  if (changedAt(installed) >= changedAt(locked)) return;
  const words = [
    "ci",
    "--prefix",
    PACKAGES,
    "--ignore-scripts",
    "--legacy-peer-deps",
    "--no-audit",
    "--no-fund",
  ];
  execFileSync("npm", words, { stdio: ["ignore", "ignore", "inherit"] });
}

/** Milliseconds since the epoch; 0 for a file that is not there. */
function changedAt(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

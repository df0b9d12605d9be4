// Prints what production installs as an SBOM (CycloneDX, JSON): each package of the lock file that
// is there for more than development. `npm sbom --omit=dev` alone leaves out packages that a
// dependency of development wants as well (yaml and picomatch, among some thirty), so npm is shown
// a package without dependencies of development. Asks nobody: the lock file has everything. With
// SOURCE_DATE_EPOCH, as in the image, it says the same each time: of that moment, and without a
// number of its own.
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { z } from "zod";

const root = path.join(import.meta.dirname, "..");
const scratch = mkdtempSync(path.join(tmpdir(), "triaged-sbom-"));
try {
  // npm names the product by its folder.
  const folder = path.join(scratch, "triaged");
  mkdirSync(folder);
  writeManifest(folder);
  copyFileSync(path.join(root, "package-lock.json"), path.join(folder, "package-lock.json"));
  npm(folder, ["install", "--package-lock-only", "--offline", "--ignore-scripts", "--no-audit"]);
  const format = ["--sbom-type=application", "--sbom-format=cyclonedx"];
  const made = npm(folder, ["sbom", "--package-lock-only", ...format]);
  // oxlint-disable-next-line node/no-process-env -- of builds that are repeated, no setting of triaged
  const epoch = process.env["SOURCE_DATE_EPOCH"] ?? "";
  process.stdout.write(epoch === "" ? made : datedBy(Number(epoch), made));
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

function writeManifest(folder: string): void {
  const text = readFileSync(path.join(root, "package.json"), "utf8");
  const { devDependencies: _, ...manifest } = z
    .looseObject({ devDependencies: z.unknown() })
    .parse(JSON.parse(text));
  writeFileSync(path.join(folder, "package.json"), JSON.stringify(manifest));
}

function datedBy(epochSeconds: number, text: string): string {
  const { serialNumber: _, ...sbom } = z
    .looseObject({ serialNumber: z.string(), metadata: z.looseObject({ timestamp: z.string() }) })
    .parse(JSON.parse(text));
  const timestamp = new Date(epochSeconds * 1000).toISOString();
  return `${JSON.stringify({ ...sbom, metadata: { ...sbom.metadata, timestamp } }, null, 2)}\n`;
}

function npm(folder: string, words: readonly string[]): string {
  return execFileSync("npm", words, { cwd: folder, encoding: "utf8" });
}

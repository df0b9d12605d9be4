/**
 * Put `triaged` beside the other programs of node_modules/.bin, so that `npx triaged` in a
 * checkout starts at once. npm links the programs of dependencies only; for the project's
 * own, npx would install a copy first, which takes seconds and hides signals from it.
 */
import { mkdirSync, rmSync, symlinkSync } from "node:fs";
import path from "node:path";

const folder = path.join(import.meta.dirname, "..", "node_modules", ".bin");
const link = path.join(folder, "triaged");

try {
  mkdirSync(folder, { recursive: true });
  rmSync(link, { force: true });
  symlinkSync(path.join("..", "..", "bin", "triaged.js"), link);
} catch {
  // Without it npx takes its slower way: no reason to fail an installation.
}

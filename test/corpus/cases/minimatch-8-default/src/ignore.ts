import minimatch from "minimatch";

const patterns = ["**/*.log", "dist/**"];

export function isIgnored(path: string): boolean {
  return patterns.some((pattern) => minimatch(path, pattern, { dot: true }));
}

import { Minimatch, minimatch } from "minimatch";

export const select = (paths: string[], pattern: string): string[] =>
  paths.filter((path) => minimatch(path, pattern));

export class Selection {
  readonly #matcher: Minimatch;

  constructor(pattern: string) {
    this.#matcher = new Minimatch(pattern, { dot: true });
  }

  has(path: string): boolean {
    return this.#matcher.match(path);
  }
}

import { readFileSync } from "node:fs";
import path from "node:path";
import semver from "semver";
import { expect, test } from "vitest";
import { z } from "zod";
import { CORPUS, readCases } from "../../corpus/case.ts";
import { CLASSES } from "../../corpus/class.ts";

const manifest = z.looseObject({ dependencies: z.record(z.string(), z.string()) });

function dependenciesIn(folder: string): Record<string, string> {
  const text = readFileSync(path.join(folder, "package.json"), "utf8");
  return manifest.parse(JSON.parse(text)).dependencies;
}

const CASES = readCases();

test("each class has enough cases to say something", () => {
  const counts = CLASSES.map((of) => CASES.filter((one) => one.class === of).length);

  expect(counts.every((count) => count >= 7)).toBe(true);
});

test.for(CASES)("the consumer of $name is on the old version, and both are listed", (one) => {
  const range = dependenciesIn(one.folder)[one.package] ?? "";
  const listed = Object.values(dependenciesIn(CORPUS));

  expect(semver.satisfies(one.from, range)).toBe(true);
  expect(listed).toContain(`npm:${one.package}@${one.from}`);
  expect(listed).toContain(`npm:${one.package}@${one.to}`);
});

test("no package is listed without a case", () => {
  const wanted = CASES.flatMap(({ package: name, from, to }) => [
    `npm:${name}@${from}`,
    `npm:${name}@${to}`,
  ]);

  expect(Object.values(dependenciesIn(CORPUS)).toSorted()).toEqual([...new Set(wanted)].toSorted());
});

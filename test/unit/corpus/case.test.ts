import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import semver from "semver";
import { expect, test } from "vitest";
import { z } from "zod";
import { type Case, CLASSES, isUpgrade, PACKAGES, readCases } from "../../corpus/case.ts";
import { isMostDepended } from "../../corpus/most-depended.ts";

const ranges = z.record(z.string(), z.string()).default({});
const manifest = z.looseObject({ dependencies: ranges, devDependencies: ranges });

const CASES = readCases();
const UPGRADES = CASES.filter(isUpgrade);
const LISTED = Object.values(rangesIn(PACKAGES));

function rangesIn(folder: string): Record<string, string> {
  const text = readFileSync(path.join(folder, "package.json"), "utf8");
  const { dependencies, devDependencies } = manifest.parse(JSON.parse(text));
  return { ...devDependencies, ...dependencies };
}

/** What the package.json files of a consumer ask for, a catalog's ranges included. */
function asked(one: Case): [name: string, range: string][] {
  const files = readdirSync(one.folder, { recursive: true, encoding: "utf8" });
  const listed = files
    .filter((file) => path.basename(file) === "package.json")
    .flatMap((file) => Object.entries(rangesIn(path.join(one.folder, path.dirname(file)))));
  const catalog = path.join(one.folder, "pnpm-workspace.yaml");
  if (!existsSync(catalog)) return listed;
  const lines = readFileSync(catalog, "utf8").matchAll(/^ {2}([\w@/-]+): (\S+)$/gm);
  return [
    ...listed,
    ...[...lines].map(([, name = "", range = ""]): [string, string] => [name, range]),
  ];
}

/** A file as the dependent has it: what a derivative has not changed is the template's. */
function textOf(one: Case, file: string): string {
  const folders = isUpgrade(one) ? [""] : ["consumer", "derivative", "before"];
  const found = folders
    .map((folder) => path.join(one.folder, folder, file))
    .find((at) => existsSync(at));
  return found === undefined ? "" : readFileSync(found, "utf8");
}

test("the corpus is large enough, and much of it no rule has seen", () => {
  const unmarked = CASES.filter((one) => !one.used_for_rules);

  expect(CASES.length).toBeGreaterThanOrEqual(120);
  expect(unmarked.length).toBeGreaterThanOrEqual(50);
  for (const of of CLASSES) {
    expect(CASES.filter((one) => one.class === of).length).toBeGreaterThanOrEqual(25);
  }
});

test("half of the cases are of packages that most depend on", () => {
  const common = UPGRADES.filter((one) => isMostDepended(one.package));

  expect(common.length).toBeGreaterThanOrEqual(CASES.length / 2);
});

test.for(UPGRADES)("the consumer of $name is on the old version, and both are listed", (one) => {
  const own = asked(one).filter(([name]) => name === one.package);

  expect(own.some(([, range]) => semver.satisfies(one.from, range))).toBe(true);
  expect(LISTED).toContain(`npm:${one.package}@${one.from}`);
  expect(LISTED).toContain(`npm:${one.package}@${one.to}`);
});

test.for(CASES)("the truth of $name says where it breaks, in lines that are there", (one) => {
  expect(one.truth.at.length > 0).toBe(one.class === "breaking and used");
  expect(one.truth.by === "reading").toBe(one.truth.because !== undefined);
  for (const place of one.truth.at) {
    expect(textOf(one, place.path).split("\n").length).toBeGreaterThanOrEqual(place.line ?? 1);
  }
});

test("no package is listed without a case or a consumer that asks for it", () => {
  const compared = UPGRADES.flatMap(({ package: name, from, to }) => [
    `npm:${name}@${from}`,
    `npm:${name}@${to}`,
  ]);
  const wanted = UPGRADES.flatMap((one) => asked(one)).flatMap(([name, range]) => {
    const versions = LISTED.filter((listed) => listed.startsWith(`npm:${name}@`));
    const best = semver.maxSatisfying(
      versions.map((listed) => listed.slice(`npm:${name}@`.length)),
      range,
    );
    return best === null ? [] : [`npm:${name}@${best}`];
  });

  expect(LISTED.filter((listed) => ![...compared, ...wanted].includes(listed))).toEqual([]);
});

// Goal: who has the Node that the README asks for, or package.json, is told of no package that
// wants another one.
// Method: compare the floor with the engines of every package of the lockfile, nested ones too.

import { readFileSync } from "node:fs";
import path from "node:path";
import { minVersion, satisfies } from "semver";
import { expect, test } from "vitest";
import { z } from "zod";

const ROOT = path.join(import.meta.dirname, "..", "..", "..");
const read = (name: string) => readFileSync(path.join(ROOT, name), "utf8");

const Lock = z.object({
  packages: z.record(
    z.string(),
    z.object({
      dev: z.boolean().default(false),
      engines: z.looseObject({ node: z.string().optional() }).or(z.array(z.string())).optional(),
    }),
  ),
});
const PACKAGES = Object.entries(Lock.parse(JSON.parse(read("package-lock.json"))).packages);

/** The packages that would make npm print EBADENGINE with this Node. */
function unhappyWith(node: string, { withDev }: { withDev: boolean }): string[] {
  return PACKAGES.filter(([, { dev }]) => withDev || !dev).flatMap(([name, { engines }]) => {
    const wanted = engines === undefined || Array.isArray(engines) ? undefined : engines.node;
    return wanted === undefined || satisfies(node, wanted) ? [] : [`${name}: ${wanted}`];
  });
}

const manifest = z
  .looseObject({ engines: z.object({ node: z.string() }) })
  .parse(JSON.parse(read("package.json")));
const FLOOR = minVersion(manifest.engines.node)?.version ?? "";
const OF_CHECKOUT = `${/^Node (\d+\.\d+) or later/m.exec(read("README.md"))?.[1]}.0`;

test.for([FLOOR, OF_CHECKOUT, "22.99.0", "24.0.0", "24.99.0", "26.0.0"])(
  "all packages of production accept Node %s",
  (node) => {
    expect(unhappyWith(node, { withDev: false })).toEqual([]);
  },
);

test.for([OF_CHECKOUT, "22.99.0", "24.0.0", "24.99.0", "26.0.0"])(
  "a checkout is content with Node %s",
  (node) => {
    expect(unhappyWith(node, { withDev: true })).toEqual([]);
  },
);

test("the launcher, package.json and the pages name the same Node", () => {
  expect(read("bin/triaged.js")).toContain(
    `const OLDEST = [${FLOOR.split(".").slice(0, 2).join(", ")}];`,
  );
  expect(read("CONTRIBUTING.md")).toContain(`${OF_CHECKOUT.replace(/\.0$/, "")} or later`);
});

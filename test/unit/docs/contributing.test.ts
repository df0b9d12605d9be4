import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";

/** The table of dependencies in CONTRIBUTING.md has those of package.json, each with a reason. */
const ROOT = path.join(import.meta.dirname, "../../..");
const read = (name: string) => readFileSync(path.join(ROOT, name), "utf8");

const versions = z.record(z.string(), z.string());
const { dependencies, optionalDependencies, devDependencies } = z
  .object({
    dependencies: versions,
    optionalDependencies: versions,
    devDependencies: versions,
  })
  .parse(JSON.parse(read("package.json")));

const section = read("CONTRIBUTING.md").split("\n## Dependencies\n")[1]?.split("\n## ")[0] ?? "";
const rows = [...section.matchAll(/^\| `([^`]+)` \| ([^|]+) \| ([^|]+) \|$/gm)].map(
  ([, name = "", reason = "", keeper = ""]) => ({ name, reason, keeper }),
);

test("each package that production installs has its row, and no other", () => {
  expect(rows.map(({ name }) => name)).toEqual([
    ...Object.keys(dependencies).toSorted(),
    ...Object.keys(optionalDependencies),
  ]);
});

test("each row has a reason and a keeper, and no reason is given twice", () => {
  expect(rows.filter(({ reason, keeper }) => reason === "" || keeper === "")).toEqual([]);
  expect(new Set(rows.map(({ reason }) => reason)).size).toBe(rows.length);
});

test("each version is pinned", () => {
  const all = { ...dependencies, ...optionalDependencies, ...devDependencies };

  expect(
    Object.entries(all).filter(
      ([, version]) => !/^(?:npm:.+@)?\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(version),
    ),
  ).toEqual([]);
});

/** Files that say something of each status: of one that is rare, or of the final ones together. */
const STATUSES = /needs_decision|["']failed["'],\s*["']cancelled["']/;
const COMMENTS = { sql: /--.*/g, ts: /\/\/.*|\/\*[^]*?\*\//g };

test("the recipe for a status names each file that lists statuses", () => {
  const [, recipe = ""] = /\n\*\*A status\.\*\*([^]*?)\n\*\*/.exec(read("CONTRIBUTING.md")) ?? [];
  const named = new Set([...recipe.matchAll(/`([\w./-]+\.(?:sql|ts))`/g)].map(([, file]) => file));
  const listing = globSync(
    [
      "sql/{functions,views,triggers}/**/*.sql",
      "src/**/*.ts",
      "test/{support,model,chaos}/**/*.ts",
    ],
    { cwd: ROOT, exclude: (file) => file.startsWith("src/triage") },
  ).filter((file) =>
    STATUSES.test(read(file).replaceAll(COMMENTS[file.endsWith(".sql") ? "sql" : "ts"], "")),
  );

  expect(listing.length).toBeGreaterThan(15);
  expect(listing.filter((file) => !named.has(file) && !named.has(path.basename(file)))).toEqual([]);
});

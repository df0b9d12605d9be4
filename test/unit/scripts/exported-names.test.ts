import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";

/** A name that is exported has one home: who looks for it finds one file, and one meaning. */
const ROOT = path.join(import.meta.dirname, "../../..");
const EXPORT =
  /^export (?:declare )?(?:async )?(?:abstract )?(?:function\*?|class|const|type|enum) (\w+)/gm;

test("no two files of src export the same name", () => {
  const homes = Map.groupBy(
    globSync("src/**/*.ts", { cwd: ROOT }).flatMap((file) =>
      [...readFileSync(path.join(ROOT, file), "utf8").matchAll(EXPORT)].map(([, name = ""]) => ({
        name,
        file,
      })),
    ),
    ({ name }) => name,
  );

  expect(homes.size).toBeGreaterThan(500);
  // A schema and its type are one name in one file.
  const twice = [...homes].filter(([, all]) => new Set(all.map(({ file }) => file)).size > 1);
  expect(twice).toEqual([]);
});

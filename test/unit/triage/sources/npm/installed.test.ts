import { join } from "node:path";
import { expect } from "vitest";
import { findInstalled, locatePackages } from "../../../../../src/triage/sources/npm/installed.ts";
import { test, writeTree } from "../../../../support/packages.ts";

const WANTED = { name: "@scope/provider", version: "2.0.0" };

test.for([
  ["under its name", "node_modules/@scope/provider"],
  ["under an alias", "node_modules/provider-2"],
  ["under an alias with a scope", "node_modules/@other/provider-2"],
  ["below another package", "node_modules/other/node_modules/@scope/provider"],
  ["in pnpm's store", "node_modules/.pnpm/@scope+provider@2.0.0/node_modules/@scope/provider"],
] as const)("a copy %s is found from a folder below", async ([, path], { folder }) => {
  await writeTree(join(folder, path), WANTED, {});
  await writeTree(join(folder, "node_modules/a-provider"), { ...WANTED, version: "1.0.0" }, {});

  const found = findInstalled(WANTED, [join(folder, "apps/consumer")]);

  expect(found).toBe(join(folder, path));
});

test("a copy of another version or of another package is not taken", async ({ folder }) => {
  const modules = join(folder, "node_modules");
  await writeTree(join(modules, "@scope/provider"), { ...WANTED, version: "2.0.1" }, {});
  await writeTree(join(modules, "provider"), { ...WANTED, name: "provider" }, {});
  await writeTree(join(modules, "broken"), {}, { "package.json": "{" });

  expect(findInstalled(WANTED, [folder])).toBeNull();
});

test("a version that is not installed is a permanent error with a hint", async ({
  makeUpgrade,
}) => {
  const request = await makeUpgrade({});
  const missing = { ...request.package, to: "7.0.0", toPath: null };

  expect(() => locatePackages({ ...request, package: missing })).toThrow(
    expect.objectContaining({
      name: "PermanentError",
      message: expect.stringMatching(
        /^provider@7\.0\.0 is not installed .*hint: npm install --save-dev provider-7@npm:provider@7\.0\.0, .*to_path/,
      ),
    }),
  );
});

test("a folder that holds another version is a permanent error", async ({ makeUpgrade }) => {
  const request = await makeUpgrade({});
  const other = { ...request.package, from: "1.0.1" };

  expect(() => locatePackages({ ...request, package: other })).toThrow(
    /^expected change_event\.package\.from_path to hold provider@1\.0\.1, got provider@1\.0\.0/,
  );
});

import { expect } from "vitest";
import { locatePackages } from "../../../../../src/triage/sources/npm/installed.ts";
import { announcedChanges } from "../../../../../src/triage/sources/npm/release-notes.ts";
import { type MakeUpgrade, test } from "../../../../support/packages.ts";

async function announcedBy(makeUpgrade: MakeUpgrade, notes: string) {
  const request = await makeUpgrade({
    to: { "package.json": { version: "2.1.0" }, "HISTORY.md": notes },
  });
  return announcedChanges(
    locatePackages({ ...request, package: { ...request.package, to: "2.1.0" } }),
  );
}

test("breaks and changes of a step are announced", async ({ makeUpgrade }) => {
  const found = await announcedBy(
    makeUpgrade,
    [
      "2.1.0 / 2025-02-01",
      "==================",
      "  * Remove what a minor removes",
      "2.0.0 / 2025-01-01",
      "==================",
      "  * Remove `a`",
      "  * Add `b`, which now is there",
      "  * faster",
      "2.0.0-beta.1 / 2024-01-01",
      "  * Rename `c` to `d`",
      "1.0.0 / 2020-01-01",
      "  * Remove what was",
    ].join("\n"),
  );

  expect(found).toEqual({
    file: "HISTORY.md",
    lines: ["* Remove `a`", "* Rename `c` to `d`"],
    isOfPlatformAlone: false,
  });
});

test("below a heading that says so, every line is", async ({ makeUpgrade }) => {
  const found = await announcedBy(
    makeUpgrade,
    "## 2.1.0\n### BREAKING CHANGES\n- faster\n### Bug fixes\n- not slower\n",
  );

  expect(found?.lines).toEqual(["- faster"]);
});

test.for([
  ["- Drop support for Node 16\n- deps: debug@^4\n", true],
  ["- Drop support for Node 16\n- Remove `a`\n", false],
  ["- faster\n", false],
] as const)(
  "reasons of %s are of the platform alone: %s",
  async ([lines, expected], { makeUpgrade }) => {
    const found = await announcedBy(makeUpgrade, `## 2.0.0\n${lines}`);

    expect(found?.isOfPlatformAlone).toBe(expected);
  },
);

test("a package without notes announces nothing", async ({ makeUpgrade }) => {
  expect(announcedChanges(locatePackages(await makeUpgrade({})))).toBeNull();
});

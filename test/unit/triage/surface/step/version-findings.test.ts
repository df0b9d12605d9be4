import { expect } from "vitest";
import {
  type Breaking,
  type Found,
  finding as makeFinding,
} from "../../../../../src/triage/facts/finding.ts";
import { locatePackages } from "../../../../../src/triage/sources/npm/installed.ts";
import type { UsedChanges } from "../../../../../src/triage/surface/step/used-changes.ts";
import { versionFindings } from "../../../../../src/triage/surface/step/version-findings.ts";
import { test } from "../../../../support/packages.ts";

test.for([
  ["1.2.3", "2.0.0", "maybe"],
  ["1.2.3", "1.3.0", "no"],
  ["1.2.3", "1.2.4", "no"],
  ["0.2.3", "0.3.0", "maybe"],
  ["0.2.3", "0.2.4", "no"],
  ["2.0.0", "1.9.0", "maybe"],
] as const)(
  "the step from %s to %s is breaking: %s",
  async ([from, to, breaking], { makeUpgrade }) => {
    const request = await makeUpgrade({
      from: { "package.json": { version: from } },
      to: { "package.json": { version: to } },
    });
    const pair = locatePackages({ ...request, package: { ...request.package, from, to } });

    const found = versionFindings(pair, {
      found: [],
      compared: true,
      runsOtherCode: true,
      used: () => null,
    });

    expect(found.map(({ finding }) => finding)).toMatchObject([
      { id: "pkg.version:provider", breaking, before: from, after: to, provider: { line: 3 } },
    ]);
  },
);

const told = (rule: string, breaking: Breaking): Found => ({
  finding: makeFinding({ rule, subject: "x", breaking }),
  match: { by: "package" },
});

test.for([
  ["is explained by something that breaks", [told("ts.export_removed", "yes")], true, "no"],
  ["is explained by a newer Node, even the consumer's", [told("pkg.engines", "no")], true, "no"],
  ["is not explained by what was added", [told("ts.added", "no")], true, "maybe"],
  [
    "is not explained where types were not compared",
    [told("ts.export_removed", "yes")],
    false,
    "maybe",
  ],
] as const)("a major step %s", async ([, found, compared, breaking], { makeUpgrade }) => {
  const request = await makeUpgrade({ to: { "package.json": { version: "2.0.0" } } });
  const pair = locatePackages({ ...request, package: { ...request.package, to: "2.0.0" } });

  const [version] = versionFindings(pair, {
    found,
    compared,
    runsOtherCode: true,
    used: () => null,
  });

  expect(version?.finding).toMatchObject({ id: "pkg.version:provider", breaking });
});

const NOTHING: UsedChanges = {
  found: [],
  unknown: [],
  unknownAt: [],
  unknownAs: null,
  isOfPlatformAlone: false,
};
const CHANGED = told("js.member_removed", "maybe");

test.for<[string, UsedChanges, Breaking, string | null, string[]]>([
  ["of which all that is used compares the same is a remark", NOTHING, "no", "loads as before", []],
  [
    "whose notes give reasons of Node alone is explained",
    { ...NOTHING, isOfPlatformAlone: true },
    "no",
    null,
    [],
  ],
  [
    "that changed what is used has that as a finding",
    { ...NOTHING, found: [CHANGED] },
    "no",
    null,
    ["js.member_removed:x"],
  ],
  [
    "of which something used cannot be told may break",
    { ...NOTHING, unknown: ["what it exports"] },
    "maybe",
    "the files do not tell what it exports",
    [],
  ],
])("a major %s", async ([, used, breaking, compared, others], { makeUpgrade }) => {
  const request = await makeUpgrade({ to: { "package.json": { version: "2.0.0" } } });
  const pair = locatePackages({ ...request, package: { ...request.package, to: "2.0.0" } });

  const [version, ...rest] = versionFindings(pair, {
    found: [],
    compared: true,
    runsOtherCode: true,
    used: () => used,
  });

  expect(version?.finding.breaking).toBe(breaking);
  if (compared === null) expect(version?.finding.compared).toBeNull();
  else expect(version?.finding.compared).toContain(compared);
  expect(rest.map(({ finding }) => finding.id)).toEqual(others);
});

test("a major that has a reason tells what it changed of what is used as well", async ({
  makeUpgrade,
}) => {
  const request = await makeUpgrade({ to: { "package.json": { version: "2.0.0" } } });
  const pair = locatePackages({ ...request, package: { ...request.package, to: "2.0.0" } });

  const found = versionFindings(pair, {
    found: [told("pkg.engines", "no")],
    compared: true,
    runsOtherCode: true,
    used: () => ({ ...NOTHING, found: [CHANGED], unknown: ["what it exports"] }),
  });

  expect(found.map(({ finding: { id, breaking } }) => [id, breaking])).toEqual([
    ["pkg.version:provider", "no"],
    ["js.member_removed:x", "maybe"],
  ]);
});

test.for([
  ["where a load does not find it", { by: "places", places: [] }, []],
  [
    "and not where only its name is compared",
    { by: "symbol", subpath: ".", name: "x", declarations: [] },
    ["js.member_removed"],
  ],
] as const)("a name that is gone is told once %s", async ([, match, others], { makeUpgrade }) => {
  const request = await makeUpgrade({ to: { "package.json": { version: "2.0.0" } } });
  const pair = locatePackages({ ...request, package: { ...request.package, to: "2.0.0" } });

  const found = versionFindings(pair, {
    found: [{ ...told("js.export_removed", "yes"), match }],
    compared: false,
    runsOtherCode: true,
    used: () => ({ ...NOTHING, found: [CHANGED] }),
  });

  expect(found.map(({ finding }) => finding.rule)).toEqual(["pkg.version", ...others]);
});

test("a major of which something used cannot be told is at that use, as it is called there", async ({
  makeUpgrade,
}) => {
  const request = await makeUpgrade({ to: { "package.json": { version: "2.0.0" } } });
  const pair = locatePackages({ ...request, package: { ...request.package, to: "2.0.0" } });
  const unknownAt = [{ path: "a.js", line: 3 }];

  const [version] = versionFindings(pair, {
    found: [],
    compared: false,
    runsOtherCode: true,
    used: () => ({ ...NOTHING, unknown: ["what it exports"], unknownAt, unknownAs: "create" }),
  });

  expect(version?.match).toEqual({ by: "places", places: unknownAt });
  expect(version?.finding.own).toBe("create");
});

import { expect } from "vitest";
import { locatePackages } from "../../../../../src/triage/sources/npm/installed.ts";
import {
  announcedChanges,
  releaseNotes,
} from "../../../../../src/triage/sources/npm/release-notes.ts";
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

test.for(["release-notes.md", "changelog.markdown", "CHANGES", "History.txt"])(
  "notes are found as %s, where another file has none of the versions",
  async (name, { makeUpgrade }) => {
    const request = await makeUpgrade({
      to: {
        "package.json": { version: "2.0.0" },
        [name]: "## 2.0.0\n- Remove `a`\n",
        "RELEASES.md": "## 0.9.0\n- Remove `b`\n",
      },
    });

    const found = announcedChanges(
      locatePackages({ ...request, package: { ...request.package, to: "2.0.0" } }),
    );

    expect(found).toMatchObject({ file: name, lines: ["- Remove `a`"] });
  },
);

test("a major of which only a later patch tells is a step there; what is offered is none", async ({
  makeUpgrade,
}) => {
  const notes = [
    "## 2.0.2",
    "- Rename `x`",
    "## 2.0.1",
    "- [#12](https://h/12) Fix `b`, which must be there",
    "- `c` now takes an optional `d`",
    "- Remove `a`",
    "```js",
    "- removed();",
    "```",
  ];

  expect((await announcedBy(makeUpgrade, notes.join("\n")))?.lines).toEqual(["- Remove `a`"]);
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
  ["- Change the order, see https://github.com/nodejs/node/issues/1\n", false],
  ["- Change the order ([#1](https://github.com/our/typescript-types/pull/1))\n", false],
  ["- Require [Node](https://example.com) 18, see https://example.com/a\n", true],
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

test.for([
  ["- **BREAKING** Remove `a`", "BREAKING Remove `a`"],
  ["* **BREAKING:** remove `a`", "BREAKING: remove `a`"],
  ["**BREAKING** Remove `a`", "BREAKING Remove `a`"],
  ["  - ***breaking*** remove **a**", "breaking remove **a**"],
  ["- *Breaking* remove `a`", "Breaking remove `a`"],
  ["- __Breaking change:__ remove `a`", "Breaking change: remove `a`"],
  ["- **BREAKING remove `a`", "BREAKING remove `a`"],
  ["- __proto__ is refused", "__proto__ is refused"],
  ["> - remove `a`", "remove `a`"],
  ["**Breaking changes**:\n- remove `a`", "remove `a`"],
] as const)("a note of %s is quoted as %s", async ([line, expected], { makeUpgrade }) => {
  const request = await makeUpgrade({
    to: { "package.json": { version: "2.0.0" }, "CHANGELOG.md": `## 2.0.0\n${line}\n` },
  });

  const notes = releaseNotes(
    locatePackages({ ...request, package: { ...request.package, to: "2.0.0" } }),
  );

  expect(notes?.text).toBe(expected);
});

const README = "# provider\n\n## 1.5.0\n- Remove `none`\n\n";

test.for<[title: string, text: string, lines: string[] | null]>([
  [
    "below a heading that says so, up to the next one",
    `${README}## Release notes\n\n### 2.1.0\n\nRemove \`a\`\n\n### 2.0.0\n- Remove \`b\`\n\n## License\n- Not \`c\`\n`,
    ["- Remove `b`"],
  ],
  ["nowhere else", README, []],
])("notes of a README are read %s", async ([, text, lines], { makeUpgrade }) => {
  const request = await makeUpgrade({
    to: { "package.json": { version: "2.1.0" }, "README.md": text },
  });

  const found = announcedChanges(
    locatePackages({ ...request, package: { ...request.package, to: "2.1.0" } }),
  );

  expect(found?.lines ?? []).toEqual(lines);
});

test("a default that a minor changed is announced as well", async ({ makeUpgrade }) => {
  const found = await announcedBy(
    makeUpgrade,
    "## 2.1.0\n- Change default hash of PBKDF2\n- Change the colour\n",
  );

  expect(found?.lines).toEqual(["- Change default hash of PBKDF2"]);
});

import { rm } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { analyzePackage } from "../../../../src/triage/pipeline/analyze-package.ts";
import { breakingHits, test } from "../../../support/packages.ts";

const SLOW = { timeout: 60_000 };

const quiet = (): void => {};

test("a consumer knows the package by the name of its alias", SLOW, async ({ makeUpgrade }) => {
  const request = await makeUpgrade({
    from: { "index.d.ts": "export const a: 1;" },
    to: { "index.d.ts": "export const b: 1;" },
    consumer: {
      "package.json": { dependencies: { other: "npm:provider@^2.0.0" } },
      "a.ts": 'import { a } from "other";\nconsole.log(a);\n',
    },
  });

  const analysis = analyzePackage(request, quiet);

  expect(breakingHits(analysis)).toEqual(["ts.export_removed:a confirmed a.ts:1 a.ts:2"]);
  expect(analysis.exposure).toEqual({
    range: "^2.0.0",
    resolved: null,
    new: "1.1.0",
    satisfies: false,
  });
});

test("the locked version is told", SLOW, async ({ makeUpgrade }) => {
  const request = await makeUpgrade({
    consumer: {
      "package-lock.json": '{ "packages": { "node_modules/provider": { "version": "1.0.3" } } }',
    },
  });

  expect(analyzePackage(request, quiet).exposure).toEqual({
    range: "^1.0.0",
    resolved: "1.0.3",
    new: "1.1.0",
    satisfies: true,
  });
});

test(
  "a consumer that neither lists nor imports the package does not use it",
  SLOW,
  async ({ makeUpgrade }) => {
    const request = await makeUpgrade({
      from: { "index.d.ts": "export const a: 1;" },
      to: { "index.d.ts": "" },
      consumer: {
        "package.json": { dependencies: {} },
        "a.ts": 'import "other";\n',
        "node_modules/x/a.ts": 'import "provider";\n',
      },
    });

    expect(analyzePackage(request, quiet).usage).toBe("none");
  },
);

test(
  "an interface file that names the package makes its use likely",
  SLOW,
  async ({ makeUpgrade }) => {
    const request = await makeUpgrade({
      consumer: { "README.md": "Uses `provider`, see docs.\n" },
    });
    const consumer = { ...request.consumer, interfaceFiles: ["README.md", "absent.md"] };

    expect(analyzePackage({ ...request, consumer }, quiet).usage).toBe("likely");
  },
);

test(
  "an interface file does not make a way in likely that no import takes",
  SLOW,
  async ({ makeUpgrade }) => {
    const request = await makeUpgrade({
      from: { "index.js": "exports.a = 1;", "lib/b.js": "" },
      to: { "index.js": "exports.a = 1;", "package.json": { exports: "./index.js" } },
      consumer: { "src/a.js": 'import { a } from "provider";\nconsole.log(a);\n' },
    });
    const consumer = { ...request.consumer, interfaceFiles: ["src/a.js"] };

    expect(breakingHits(analyzePackage({ ...request, consumer }, quiet))).toEqual([
      "pkg.exports_removed:./* none",
    ]);
  },
);

test("a removed command is found in the consumer's scripts", SLOW, async ({ makeUpgrade }) => {
  const request = await makeUpgrade({
    from: { "package.json": { bin: { old: "a.js" } } },
    consumer: { "package.json": { scripts: { build: "older && old --all" } } },
  });

  expect(breakingHits(analyzePackage(request, quiet))).toEqual([
    "pkg.bin_removed:old confirmed package.json:7",
  ]);
});

test.for(["from", "to", "consumer"] as const)(
  "a package.json of %s that does not parse is a permanent error that names it",
  async (side, { makeUpgrade, folder }) => {
    const request = await makeUpgrade({ [side]: { "package.json": '{ "name": ' } });

    expect(() => analyzePackage(request, quiet)).toThrow(
      expect.objectContaining({
        name: "PermanentError",
        message: expect.stringContaining(`cannot parse ${join(folder, side, "package.json")}: `),
      }),
    );
  },
);

test("a consumer that is not there is a permanent error", async ({ makeUpgrade }) => {
  const request = await makeUpgrade({});
  await rm(request.consumer.path, { recursive: true });

  expect(() => analyzePackage(request, quiet)).toThrow(
    /^cannot read .*consumer\/package\.json: ENOENT/,
  );
});

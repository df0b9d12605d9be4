// Goal: what is published can be read, runs nothing at an installation, and can be accounted for.
// Method: ask npm; scripts/check-package.ts does the same with the package as it is installed.
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import { brokenLinks } from "../../../scripts/broken-links.ts";
import { installScripts } from "../../../scripts/install-scripts.ts";

const ROOT = path.join(import.meta.dirname, "..", "..", "..");

const Versions = z.record(z.string(), z.string());
const manifest = z
  .looseObject({
    dependencies: Versions,
    optionalDependencies: Versions,
    devDependencies: Versions,
  })
  .parse(JSON.parse(readFileSync(path.join(ROOT, "package.json"), "utf8")));

function npm(...words: string[]): unknown {
  return JSON.parse(
    execFileSync("npm", words, {
      cwd: ROOT,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
      // For the SBOM, as in the image.
      env: { ...process.env, SOURCE_DATE_EPOCH: "1700000000" },
    }),
  );
}

/** The files of the package, but for those that a build makes. */
function packedFiles(): string[] {
  const Packed = z.array(z.object({ files: z.array(z.object({ path: z.string() })) }));
  const [packed] = Packed.parse(npm("pack", "--dry-run", "--json", "--ignore-scripts"));
  return packed?.files.map((file) => file.path) ?? [];
}

test("every link between the pages of the package leads to a page and a heading of it", () => {
  const files = packedFiles();

  expect(files).toContain("README.md");
  expect(files).toContain("SECURITY.md");
  expect(brokenLinks(ROOT, files)).toEqual([]);
});

test("a link to a page that is left out, or to no heading, is found", () => {
  const files = ["README.md", "CHANGELOG.md", "docs/operating.md"];

  const broken = brokenLinks(ROOT, files);

  expect(broken).toContain("README.md: docs/triage.md");
  expect(broken).not.toContain("README.md: docs/operating.md");
});

/** What errors, hints and the help of commands point to. */
function filesPointedTo(): string[] {
  const sources = ["src", "bin", "tasks", "sql"]
    .flatMap((folder) =>
      readdirSync(path.join(ROOT, folder), { recursive: true, encoding: "utf8" }).map(
        (name) => `${folder}/${name}`,
      ),
    )
    .filter(
      (name) =>
        /^(?:src|bin|tasks|sql)\/.*\.(?:ts|js|sql)$/.test(name) &&
        existsSync(path.join(ROOT, name)),
    );
  const found = sources.flatMap((name) => {
    const text = readFileSync(path.join(ROOT, name), "utf8");
    return [...text.matchAll(/\b(?:docs|examples)\/[\w./-]+\.\w+|\b(?:README|CHANGELOG)\.md\b/g)];
  });
  return [...new Set(found.map(([name]) => name))].toSorted();
}

test("each page that an error or a command names is in the package and in the image", () => {
  const pointedTo = filesPointedTo();
  const packed = packedFiles();
  const image = readFileSync(path.join(ROOT, "Dockerfile"), "utf8");
  const ignored = readFileSync(path.join(ROOT, ".dockerignore"), "utf8").split("\n");
  const copied = [...image.matchAll(/^COPY (?!--)(.+) \S+$/gm)].flatMap(([, names = ""]) =>
    names.split(" "),
  );

  expect(pointedTo).toContain("docs/schedules.md");
  expect(pointedTo.filter((name) => !packed.includes(name))).toEqual([]);
  const lacking = pointedTo.filter((name) => {
    const top = name.split("/")[0] ?? name;
    return !copied.includes(top) || !ignored.includes(`!${top}`);
  });
  expect(lacking).toEqual([]);
});

test("nothing of the package runs when it is installed", () => {
  expect(installScripts(manifest, packedFiles())).toEqual([]);
  expect(installScripts({ scripts: { prepare: "x", test: "y" } }, ["binding.gyp"])).toEqual([
    "prepare",
    "binding.gyp",
  ]);
});

test("the SBOM names each package that production installs, at its version, and no other", () => {
  const Sbom = z.object({
    bomFormat: z.literal("CycloneDX"),
    // Of the machine, or of the moment: not where the date is given.
    serialNumber: z.undefined().optional(),
    metadata: z.object({
      timestamp: z.string(),
      component: z.object({ name: z.string(), version: z.string() }),
    }),
    components: z.array(z.object({ name: z.string(), version: z.string() })),
  });
  const { metadata, components } = Sbom.parse(npm("run", "--silent", "sbom"));
  const named = components.map(({ name, version }) => `${name}@${version}`);
  const wanted = Object.entries({ ...manifest.dependencies, ...manifest.optionalDependencies });

  expect(metadata.timestamp).toBe("2023-11-14T22:13:20.000Z");
  expect(metadata.component).toMatchObject({ name: "triaged", version: manifest["version"] });
  expect(named).toEqual(
    expect.arrayContaining(wanted.map(([name, version]) => `${name}@${version}`)),
  );
  expect(named.toSorted()).toEqual(lockedForProduction());
});

/** By the lock file, which npm installs from. */
function lockedForProduction(): string[] {
  const Lock = z.object({
    packages: z.record(
      z.string(),
      z.object({
        name: z.string().optional(),
        version: z.string(),
        dev: z.boolean().default(false),
      }),
    ),
  });
  const { packages } = Lock.parse(
    JSON.parse(readFileSync(path.join(ROOT, "package-lock.json"), "utf8")),
  );
  const names = Object.entries(packages)
    .filter(([place, { dev }]) => place !== "" && !dev)
    .map(
      ([place, { name, version }]) => `${name ?? place.split("node_modules/").at(-1)}@${version}`,
    );
  return [...new Set(names)].toSorted();
}

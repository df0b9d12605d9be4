// A folder outside of any project in which consumers are laid out with what they depend on, so
// that neither compiler nor Node finds anything that the consumer has not.
import {
  copyFileSync,
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import semver from "semver";
import { z } from "zod";
import { hasCode } from "../../src/index.ts";
import { PACKAGES, type UpgradeCase } from "./case.ts";

/** A consumer with its dependencies, on one version of the package at a time. */
export type LaidOut = {
  readonly folder: string;
  /** Its package.json files, by their folders; "" is the root. */
  readonly manifests: ReadonlyMap<string, Manifest>;
  readonly use: (version: string) => void;
  /** The folder of an installed package that satisfies a range; null if the corpus has none. */
  readonly installed: (name: string, range: string) => string | null;
};

export type Sandbox = Disposable & {
  readonly layOut: (one: UpgradeCase) => LaidOut;
};

const names = z.record(z.string(), z.string()).default({});
const manifest = z.looseObject({
  name: z.string().optional(),
  version: z.string().optional(),
  engines: z.looseObject({ node: z.string().optional() }).default({}),
  dependencies: names,
  devDependencies: names,
  peerDependencies: names,
});
export type Manifest = z.output<typeof manifest>;

export function readManifest(folder: string): Manifest {
  return manifest.parse(JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8")));
}

export function makeSandbox(): Sandbox {
  const root = mkdtempSync(path.join(tmpdir(), "triaged-truth-"));
  return {
    layOut: (one) => layOut(one, path.join(root, one.name)),
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  };
}

const MODULES = path.join(PACKAGES, "node_modules");

/**
 * Dependencies of dependencies are found above the consumer, where npm had hoisted them. Not the
 * package itself, of which another version may be among them: what the consumer's own has not, the
 * compiler would look for there.
 */
function linkHoisted(one: UpgradeCase, above: string): void {
  const listed = new Set(Object.keys(readManifest(PACKAGES).dependencies));
  for (const name of packagesIn(MODULES)) {
    if (listed.has(name) || name === one.package) continue;
    const link = path.join(above, "node_modules", name);
    mkdirSync(path.dirname(link), { recursive: true });
    symlinkSync(path.join(MODULES, name), link);
  }
}

/** Names of what is installed, those of scopes included. */
function packagesIn(modules: string): string[] {
  return readdirSync(modules)
    .filter((name) => !name.startsWith("."))
    .flatMap((name) =>
      name.startsWith("@")
        ? readdirSync(path.join(modules, name)).map((inner) => `${name}/${inner}`)
        : [name],
    );
}

function layOut(one: UpgradeCase, above: string): LaidOut {
  linkHoisted(one, above);
  const folder = path.join(above, "consumer");
  cpSync(one.folder, folder, {
    recursive: true,
    filter: (file) => path.basename(file) !== "case.json",
  });
  const manifests = manifestsIn(folder);
  const own = path.join(folder, "node_modules");
  for (const [at, { name }] of manifests) {
    if (at === "" || name === undefined) continue;
    mkdirSync(path.dirname(path.join(own, name)), { recursive: true });
    symlinkSync(path.join(folder, at), path.join(own, name));
  }
  for (const [name, range] of [...manifests.values()].flatMap(dependenciesOf)) {
    const found = name === one.package ? null : installedIn(name, range);
    if (found !== null) linkTree(found, path.join(own, name));
  }
  // Whoever writes for Node has its types, also where a consumer of ours does not list them.
  const ofNode = installedIn("@types/node", "*");
  const types = path.join(own, "@types/node");
  if (ofNode !== null && one.package !== "@types/node" && !existsSync(types)) {
    linkTree(ofNode, types);
  }
  return {
    folder,
    manifests,
    use: (version) => {
      const place = path.join(own, one.package);
      rmSync(place, { recursive: true, force: true });
      linkTree(path.join(MODULES, aliasOf(one.package, version)), place);
    },
    installed: (name, range) => installedIn(name, range),
  };
}

function manifestsIn(folder: string): Map<string, Manifest> {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
  return new Map(
    files
      .filter((file) => path.basename(file) === "package.json")
      .map((file) => (path.dirname(file) === "." ? "" : path.dirname(file)))
      .map((at) => [at, readManifest(path.join(folder, at))]),
  );
}

function dependenciesOf(of: Manifest): [name: string, range: string][] {
  return Object.entries({ ...of.peerDependencies, ...of.devDependencies, ...of.dependencies });
}

/** What the corpus calls a version of a package: `@types/node` 24.0.0 is `@types/node-24.0.0`. */
function aliasOf(name: string, version: string): string {
  return `${name}-${version}`;
}

/** The newest of the versions that the corpus lists and a range wants. */
function installedIn(name: string, range: string): string | null {
  const { dependencies } = readManifest(PACKAGES);
  const versions = Object.values(dependencies)
    .filter((listed) => listed.startsWith(`npm:${name}@`))
    .map((listed) => listed.slice(`npm:${name}@`.length));
  const best = semver.maxSatisfying(versions, range);
  return best === null ? null : path.join(MODULES, aliasOf(name, best));
}

/** Copy a tree by hard links: thousands of files in a second, and no bytes. */
function linkTree(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const source = path.join(from, entry.name);
    const target = path.join(to, entry.name);
    if (entry.isDirectory()) linkTree(source, target);
    else if (entry.isSymbolicLink()) symlinkSync(readlinkSync(source), target);
    else linkFile(source, target);
  }
}

function linkFile(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch (err) {
    if (!hasCode(err, "EXDEV", "EPERM", "EMLINK")) throw err;
    copyFileSync(from, to);
  }
}

// What a consumer states in package.json and the new version does not keep: versions of Node, and
// peers that exclude each other. Ranges decide that; nothing has to be run.
import { readFileSync } from "node:fs";
import path from "node:path";
import semver from "semver";
import type { Place, UpgradeCase } from "./case.ts";
import { type LaidOut, type Manifest, readManifest } from "./truth-sandbox.ts";

type ManifestPair = { readonly before: Manifest; readonly after: Manifest };
type BrokenPromise = { readonly says: string; readonly at: readonly Place[] };

/** Null where the new version keeps what the old one kept. */
export function brokenPromise(
  { manifests, folder }: Pick<LaidOut, "manifests" | "folder">,
  { before, after }: ManifestPair,
): BrokenPromise | null {
  for (const [at, manifest] of manifests) {
    const found = brokenEngines(before, after, manifest) ?? brokenPeer(before, after, manifest);
    if (found === null) continue;
    const file = path.join(at, "package.json");
    const line = lineOf(path.join(folder, file), found.key);
    return {
      says: found.says,
      at: [{ path: file, line, symbols: found.symbols, says: found.says }],
    };
  }
  return null;
}

/** The package's own package.json, in both versions. */
export function manifestPair(one: UpgradeCase, consumer: LaidOut): ManifestPair {
  const manifestOf = (version: string): Manifest => {
    consumer.use(version);
    return readManifest(path.join(consumer.folder, "node_modules", one.package));
  };
  return { before: manifestOf(one.from), after: manifestOf(one.to) };
}

type Broken = { readonly key: string; readonly symbols: string[]; readonly says: string };

function brokenEngines(before: Manifest, after: Manifest, consumer: Manifest): Broken | null {
  const ours = consumer.engines.node;
  const theirs = after.engines.node;
  const was = before.engines.node ?? "*";
  if (ours === undefined || theirs === undefined) return null;
  if (semver.subset(ours, theirs) || !semver.subset(ours, was)) return null;
  return {
    key: "node",
    symbols: ["node", "Node"],
    says: `the consumer runs on Node ${ours}; the new version needs ${theirs}, the old one ${was}`,
  };
}

function brokenPeer(before: Manifest, after: Manifest, consumer: Manifest): Broken | null {
  const wanted = { ...consumer.devDependencies, ...consumer.dependencies };
  for (const [peer, theirs] of Object.entries(after.peerDependencies)) {
    const ours = wanted[peer];
    const was = before.peerDependencies[peer] ?? "*";
    if (ours === undefined || semver.intersects(ours, theirs)) continue;
    if (!semver.intersects(ours, was)) continue;
    return {
      key: peer,
      symbols: [peer],
      says: `the consumer has ${peer} ${ours}; the new version needs ${theirs}, the old one ${was}`,
    };
  }
  return null;
}

function lineOf(file: string, key: string): number {
  const lines = readFileSync(file, "utf8").split("\n");
  return lines.findIndex((line) => line.includes(`"${key}":`)) + 1;
}

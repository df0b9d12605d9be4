import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import path from "node:path";
import { packageFolder } from "../src/system/package-folder.ts";
import { isInstalled, PEERS, PEERS_FOLDER } from "./contestants/peer-process.ts";
import { redisVersion } from "./frame/redis-server.ts";
import type { Facts } from "./frame/results.ts";

export function readFacts(): Facts {
  const cores = cpus();
  return {
    machine: `${cores.length} × ${cores[0]?.model.trim() ?? "unknown processor"}, ${Math.round(totalmem() / 2 ** 30)} GiB of memory, ${process.platform} ${process.arch}`,
    versions: [
      `Node ${process.versions.node}`,
      ...["pg", "graphile-worker"].map((name) => `${name} ${versionOf(name)}`),
      ...presentVersions(),
    ].join(", "),
    commit: commitOf(packageFolder()),
    date: new Date().toISOString().slice(0, 10),
  };
}

function versionOf(dependency: string, folder = packageFolder()): string {
  const file = path.join(folder, "node_modules", dependency, "package.json");
  const { version }: { version: string } = JSON.parse(readFileSync(file, "utf8"));
  return version;
}

/** Of those that take part where they are present. */
function presentVersions(): string[] {
  const redis = redisVersion();
  return [
    ...PEERS.filter(isInstalled).map((peer) => `${peer} ${versionOf(peer, PEERS_FOLDER)}`),
    ...(redis === null ? [] : [`Redis ${redis}`]),
  ];
}

/** What of bench/ decides figures; RESULTS.md does not. */
const MEASURES = ["*.ts", "*.sql", "package-lock.json"].map((files) => `bench/${files}`);

/** Says so where the tree differs from the commit in what is measured. */
function commitOf(folder: string): string {
  const git = (...words: string[]) =>
    execFileSync("git", ["-C", folder, ...words], { encoding: "utf8" }).trim();
  try {
    const changed = git("status", "--porcelain", "--", "src", "sql", ...MEASURES, "package.json");
    return git("rev-parse", "--short=12", "HEAD") + (changed === "" ? "" : " with changes");
  } catch {
    return "unknown";
  }
}

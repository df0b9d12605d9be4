import semver from "semver";
import { type Breaking, type Found, finding } from "../finding.ts";
import type { PackagePair } from "./locate.ts";
import type { PackageTree } from "./manifest.ts";
import { manifestLine } from "./manifest-line.ts";
import { nodeRange } from "./node-range.ts";

/** Engines and peers whose range lets in less than it did, judged for this consumer. */
export function requirementFindings(pair: PackagePair, consumer: PackageTree): Found[] {
  return [...engineFindings(pair, consumer), ...peerFindings(pair, consumer)];
}

function engineFindings({ from, to }: PackagePair, consumer: PackageTree): Found[] {
  const ownEngines = new Map(Object.entries(consumer.manifest.engines));
  const node = nodeRange(consumer);
  if (node !== undefined) ownEngines.set("node", node);
  return Object.entries(to.manifest.engines)
    .filter(([engine, range]) => narrowed(from.manifest.engines[engine], range))
    .map(([engine, range]) => ({
      finding: finding({
        rule: "pkg.engines",
        trigger: "deployment",
        subject: engine,
        breaking: verdictOn(ownEngines.get(engine), range),
        provider: manifestLine(to.text, "engines"),
        before: from.manifest.engines[engine] ?? null,
        after: range,
      }),
      match: { by: "package" },
    }));
}

function peerFindings({ from, to }: PackagePair, { manifest: consumer }: PackageTree): Found[] {
  const installed = {
    ...consumer.peerDependencies,
    ...consumer.devDependencies,
    ...consumer.dependencies,
  };
  return Object.entries(to.manifest.peerDependencies)
    .filter(([peer, range]) => narrowed(from.manifest.peerDependencies[peer], range))
    .filter(([peer]) => !(to.manifest.peerDependenciesMeta[peer]?.optional && !installed[peer]))
    .map(([peer, range]) => ({
      finding: finding({
        rule: "pkg.peer_narrowed",
        subject: peer,
        breaking: verdictOn(installed[peer], range),
        provider: manifestLine(to.text, "peerDependencies"),
        before: from.manifest.peerDependencies[peer] ?? null,
        after: range,
      }),
      match: { by: "package" },
    }));
}

/** Whether something that the old range let in is outside of the new one. No range: anything. */
function narrowed(before: string | undefined, after: string): boolean {
  if (semver.validRange(after) === null) return before !== after;
  if (before === undefined || semver.validRange(before) === null) return after !== "*";
  return !semver.subset(before, after);
}

/** The consumer's own range says whether the narrowing reaches it; without one nobody knows. */
function verdictOn(own: string | undefined, required: string): Breaking {
  if (own === undefined) return "maybe";
  if (semver.validRange(own) === null || semver.validRange(required) === null) return "maybe";
  if (semver.subset(own, required)) return "no";
  return "yes";
}

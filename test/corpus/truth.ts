// What is true of each upgrade, established and not believed: its consumer is compiled, run, or
// both, with the old version and with the new one, as it would be after `npm install`. What differs
// is the label, and is written into case.json with its evidence. Cases of services and templates,
// and upgrades whose truth is "reading", stay as a person wrote them.
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { note } from "../../src/cli/terminal/output.ts";
import { type Case, isUpgrade, type Place, type Truth, type UpgradeCase } from "./case.ts";
import { compileBoth } from "./truth-compiler.ts";
import { brokenPromise, manifestPair } from "./truth-manifest.ts";
import { runBoth } from "./truth-node.ts";
import { makeSandbox, type Sandbox } from "./truth-sandbox.ts";

/** Establish the truth of cases, so many at a time, and tell what changed of their classes. */
export async function establishTruth(
  cases: readonly Case[],
  atATime: number,
  which: "all" | "missing",
): Promise<void> {
  const upgrades = cases
    .filter(isUpgrade)
    .filter(({ truth }) => truth.by !== "reading" && (which === "all" || !isEstablished(truth)));
  using sandbox = makeSandbox();
  let next = 0;
  const establishSome = async (): Promise<void> => {
    for (let one = upgrades[next++]; one !== undefined; one = upgrades[next++]) {
      const found = await truthOf(one, sandbox).catch((err: unknown) => String(err));
      if (typeof found === "string") note(`${one.name}: ${found}`);
      else save(one, found);
    }
  };
  await Promise.all(Array.from({ length: atATime }, establishSome));
}

function isEstablished({ compiler, node, manifest }: Truth): boolean {
  return compiler !== undefined || node !== undefined || manifest !== undefined;
}

type Established = { readonly breaks: boolean; readonly truth: Truth };

/** Rejects where nothing can say what is true: no compiler, no run, no promise of the manifest. */
async function truthOf(one: UpgradeCase, sandbox: Sandbox): Promise<Established> {
  const consumer = sandbox.layOut(one);
  const compiled = await compileBoth(one, consumer);
  const ran = await runBoth(one, consumer);
  const promise = brokenPromise(consumer, manifestPair(one, consumer));
  if (compiled === null && ran === null && promise === null) {
    throw new TypeError("expected a consumer that compiles or runs, got neither");
  }
  const found = [...(compiled?.at ?? []), ...(ran?.at ?? []), ...(promise?.at ?? [])];
  const breaks = (compiled?.truth.errors_new ?? 0) > 0 || ran?.differs === true || promise !== null;
  const truth: Truth = {
    by: byOf(compiled !== null, ran !== null),
    reached: compiled?.reached === true || ran?.reached === true || one.truth.reached,
    at: withoutDoubles([...found, ...(breaks ? (one.at ?? []) : [])]),
    ...(compiled === null ? {} : { compiler: compiled.truth }),
    ...(ran === null ? {} : { node: ran.truth }),
    ...(promise === null ? {} : { manifest: promise.says }),
  };
  return { breaks, truth };
}

function byOf(compiled: boolean, ran: boolean): Truth["by"] {
  if (compiled && ran) return "compiler and node";
  if (compiled) return "compiler";
  return ran ? "node" : "manifest";
}

/** One place for each line, with all names that say what breaks there. */
function withoutDoubles(places: readonly Place[]): Place[] {
  const byLine = Map.groupBy(places, ({ path: file, line }) => `${file}:${line}`);
  return [...byLine.values()].flatMap((same) => {
    const [first] = same;
    if (first === undefined) return [];
    return [{ ...first, symbols: [...new Set(same.flatMap(({ symbols }) => symbols))] }];
  });
}

/** Write a truth into its case. What a person said of a break that nothing shows is wrong. */
function save(one: UpgradeCase, { breaks, truth }: Established): void {
  const harmless = one.class === "breaking and used" ? "not breaking" : one.class;
  const found = breaks ? "breaking and used" : harmless;
  if (found !== one.class) note(`${one.name}: was "${one.class}", is "${found}"`);
  if (breaks && truth.at.length === 0) {
    note(`${one.name}: breaks at a place that nobody names; add "at"`);
  }
  if (truth.node !== undefined && truth.node.before.exit !== 0) {
    note(`${one.name}: does not run with the old version: ${truth.node.before.says}`);
  }
  if (truth.compiler !== undefined && truth.compiler.errors_before > 0) {
    note(`${one.name}: ${truth.compiler.errors_before} errors with the old version`);
  }
  if (!truth.reached) note(`${one.name}: nothing reaches ${one.package}`);
  const file = path.join(one.folder, "case.json");
  const before: object = JSON.parse(readFileSync(file, "utf8"));
  writeFileSync(file, `${JSON.stringify({ ...before, class: found, truth }, null, 2)}\n`);
}

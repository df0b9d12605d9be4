import {
  type Breaking,
  type Finding,
  type Found,
  finding,
  type Location,
} from "../../facts/finding.ts";
import type { ModuleLoad } from "../../facts/module-load.ts";
import type { PackagePair } from "../../sources/npm/installed.ts";
import { manifestLine, type PackageTree } from "../../sources/npm/manifest.ts";
import {
  allIn,
  type LoadedFile,
  REQUIRES_MODULES,
  resolveLoad,
} from "../../sources/npm/node-loading.ts";
import { mayBreak } from "../manifest-findings.ts";
import { type ModuleShape, ModuleShapes } from "./module-shape.ts";

/** How the consumer runs. */
type Running = {
  readonly loads: readonly ModuleLoad[];
  /** The versions of Node that it says it runs on; null if it says nothing. */
  readonly node: string | null;
};

/**
 * What of a consumer's loads Node answered with the old version and does not with the new one: by
 * which file it finds, in which format, and what that exports. A load that both versions answer,
 * or neither, is no finding; where the files do not tell, it may break.
 */
export function loadingFindings(pair: PackagePair, { loads, node }: Running): Found[] {
  const before = new Loader(pair.from, node);
  const after = new Loader(pair.to, node);
  const broken = loads.flatMap((load): Broken[] => {
    if (before.answer(load).breaking !== "no") return [];
    const answer = softened(after.answer(load), load, pair);
    return answer.kind === "works" ? [] : [{ load, answer, was: before.describe(load) }];
  });
  const byFinding = Map.groupBy(
    broken,
    ({ load, answer }) => `${ruleFor(load, answer)}:${subjectFor(pair, load, answer)}`,
  );
  const found = [...byFinding.values()].flatMap((alike) => foundOf(pair, alike));
  const isToldOf = found.some(({ finding: { rule } }) => rule === "pkg.esm_only");
  return [...found, ...(isToldOf ? [] : lostCommonJs(pair, node))];
}

type Broken = { readonly load: ModuleLoad; readonly answer: Answer; readonly was: string };

/** What Node does with a load. */
type Answer = {
  /** "no": it works. "maybe": the files, or what the consumer runs on, do not tell. */
  readonly breaking: Breaking;
  /** What Node says, or what the value is; "" where it works. */
  readonly reason: string;
  readonly kind: "works" | "resolution" | "format" | "shape" | "name";
};

const WORKS: Answer = { breaking: "no", reason: "", kind: "works" };

/**
 * What nobody can tell is at most maybe a break: which loader runs where a bundler decides, and
 * what a file exports where its text does not say. The latter breaks no promise of a minor
 * version.
 */
function softened(answer: Answer, { isCertain }: ModuleLoad, { from, to }: PackagePair): Answer {
  if (answer.breaking === "yes" && !isCertain) return { ...answer, breaking: "maybe" };
  const isUnknown = answer.breaking === "maybe" && answer.kind === "shape";
  if (!isUnknown || mayBreak(from.manifest.version, to.manifest.version)) return answer;
  return { ...answer, breaking: "no" };
}

class Loader {
  readonly #tree: PackageTree;
  readonly #node: string | null;
  readonly #shapes: ModuleShapes;

  constructor(tree: PackageTree, node: string | null) {
    this.#tree = tree;
    this.#node = node;
    this.#shapes = new ModuleShapes(tree);
  }

  answer(load: ModuleLoad): Answer {
    const { file, reason } = resolveLoad(this.#tree, load.subpath, {
      by: load.by,
      node: this.#node,
    });
    if (file === null)
      return { breaking: "yes", reason, kind: this.#isModulesOnly(load) ? "format" : "resolution" };
    const shape = this.#shapes.shapeOf(file);
    const loaded =
      load.by === "require" && file.format === "module" ? this.#requiredModule(shape) : WORKS;
    if (loaded.breaking === "yes") return loaded;
    const taken = load.name === "" ? WORKS : takenFrom(shape, load, file);
    return taken.breaking === "no" ? loaded : taken;
  }

  /** Whether `import` finds what `require` does not. */
  #isModulesOnly({ by, subpath }: ModuleLoad): boolean {
    return (
      by === "require" &&
      resolveLoad(this.#tree, subpath, { by: "import", node: this.#node }).file !== null
    );
  }

  /** What the load gets, for people. */
  describe(load: ModuleLoad): string {
    const { file } = resolveLoad(this.#tree, load.subpath, { by: load.by, node: this.#node });
    return file === null ? "nothing" : `${WHOLES[this.#shapes.shapeOf(file).whole]} (${file.path})`;
  }

  /** `require` of an ES module. */
  #requiredModule({ waits }: ModuleShape): Answer {
    if (waits) return { breaking: "yes", reason: "ERR_REQUIRE_ASYNC_MODULE", kind: "format" };
    const isAllowed = allIn(this.#node, REQUIRES_MODULES);
    if (isAllowed === true) return WORKS;
    const reason = `ERR_REQUIRE_ESM before Node 20.19 and 22.12, and the consumer runs on ${this.#node ?? "versions that it does not state"}`;
    return { breaking: isAllowed === null ? "maybe" : "yes", reason, kind: "format" };
  }
}

const WHOLES = {
  function: "a function",
  class: "a class",
  object: "an object",
  namespace: "a namespace of exports",
  unknown: "unknown",
} as const;

/** What of a module that loads is there to be taken, and called. */
function takenFrom(shape: ModuleShape, load: ModuleLoad, { format, path }: LoadedFile): Answer {
  if (format === "json" || format === "addon") return WORKS;
  const [name = "", member] = load.name.split(".", 2);
  // Of CommonJS the default export is `module.exports`, for Node and for compilers that see to it.
  const isWhole =
    load.by === "require"
      ? name === "*" || (name === "default" && load.hasInterop && !shape.isCompiledModule)
      : name === "default" && format === "commonjs";
  if (isWhole && member !== undefined) return memberAnswer(shape, member, path);
  if (isWhole) return load.isCalled ? calledAnswer(shape.whole, path) : WORKS;
  if (name === "*") return WORKS;
  if (load.by === "require") return memberAnswer(shape, name, path);
  if (shape.names === null || shape.names.has(name)) return WORKS;
  const reason = `${path} does not provide an export named '${name}' (SyntaxError)`;
  return { breaking: "yes", reason, kind: "name" };
}

function memberAnswer({ members, whole }: ModuleShape, name: string, path: string): Answer {
  const isFunction = whole === "function" || whole === "class";
  const isInherited = name in Object.prototype || (isFunction && name in Function.prototype);
  if (members === null || members.has(name) || isInherited) return WORKS;
  return {
    breaking: "yes",
    reason: `${path} has no property '${name}': it is undefined`,
    kind: "name",
  };
}

function calledAnswer(whole: ModuleShape["whole"], path: string): Answer {
  if (whole === "function" || whole === "class") return WORKS;
  const reason = `${path} exports ${WHOLES[whole]}`;
  if (whole === "unknown") return { breaking: "maybe", reason, kind: "shape" };
  return {
    breaking: "yes",
    reason: `${reason}, which is not a function (TypeError)`,
    kind: "shape",
  };
}

function ruleFor({ name }: ModuleLoad, { kind }: Answer): string {
  if (kind === "format") return "pkg.esm_only";
  if (kind === "resolution") return "pkg.exports_removed";
  return kind === "shape" || name === "*" ? "js.shape_changed" : "js.export_removed";
}

function subjectFor({ to }: PackagePair, load: ModuleLoad, { kind }: Answer): string {
  const { subpath } = load;
  const name = load.name.replace(/^default\./, "");
  if (kind === "resolution") return subpath;
  const entry = subpath === "." ? "" : ` (${subpath})`;
  return kind === "name" ? `${name}${entry}` : `${to.manifest.name}${subpath.slice(1)}`;
}

const BY_SURENESS: readonly Breaking[] = ["yes", "maybe", "no"];

/** One finding of loads that fail alike, as sure as the surest of them. */
function foundOf(pair: PackagePair, alike: readonly Broken[]): Found[] {
  const first = BY_SURENESS.map((breaking) =>
    alike.find((one) => one.answer.breaking === breaking),
  ).find((one) => one !== undefined);
  if (first === undefined) return [];
  const { load, answer, was } = first;
  const rule = ruleFor(load, answer);
  const places = alike
    .filter((one) => one.answer.breaking === answer.breaking)
    .map(({ load: { path, line } }): Location => ({ path, line }));
  return [
    {
      finding: finding({
        rule,
        subject: subjectFor(pair, load, answer),
        breaking: answer.breaking,
        provider: manifestLine(pair.to.text, keyFor(pair.to, answer)),
        before: was,
        after: answer.reason,
        own: rule === "pkg.exports_removed" ? specifierOf(pair, load) : (load.written ?? null),
        proof: answer.breaking === "yes" ? proofOf(load, answer) : null,
      }),
      match: { by: "places", places },
    },
  ];
}

/** As it is written where the package is called by its own name. */
function specifierOf({ to }: PackagePair, { subpath }: ModuleLoad): string {
  return to.manifest.name + subpath.slice(1);
}

function proofOf({ by, path, line }: ModuleLoad, { reason }: Answer): Finding["proof"] {
  return { by: "node", text: `${path}:${line} loads it by ${by}: ${reason}` };
}

function keyFor({ manifest }: PackageTree, { kind }: Answer): string {
  if (kind === "format" && manifest.type === "module") return "type";
  return manifest.exports === undefined ? "main" : "exports";
}

/**
 * That CommonJS is gone, whoever loads it: for consumers that load it another way, so that their
 * result tells what the major is for.
 */
function lostCommonJs({ from, to }: PackagePair, node: string | null): Found[] {
  const loading = { by: "require", node } as const;
  const before = resolveLoad(from, ".", loading).file;
  if (before === null || before.format !== "commonjs") return [];
  const after = resolveLoad(to, ".", loading);
  if (after.file !== null && after.file.format !== "module") return [];
  const reason = after.file === null ? after.reason : `${after.file.path} is an ES module`;
  return [
    {
      finding: finding({
        rule: "pkg.esm_only",
        subject: to.manifest.name,
        breaking: "yes",
        provider: manifestLine(to.text, to.manifest.type === "module" ? "type" : "exports"),
        before: "CommonJS",
        after: "ES modules only",
        proof: { by: "node", text: `require: ${reason}` },
      }),
      match: { by: "places", places: [] },
    },
  ];
}

/**
 * The findings of manifests and declarations, and those of loads, each told once: a load says more
 * of a way in that is gone, and proves what the declarations say of a name.
 */
export function mergeLoading(found: readonly Found[], loading: readonly Found[]): Found[] {
  const byId = new Map(loading.map((one) => [one.finding.id, one]));
  const proofs = new Map(
    loading
      .filter(({ finding: { rule } }) => rule === "js.export_removed")
      .map(({ finding: { subject, proof } }) => [`ts.export_removed:${subject}`, proof]),
  );
  const proving = new Set<string>();
  const kept = found
    .filter(({ finding: { id } }) => !byId.has(id))
    .map((one): Found => {
      const proof = proofs.get(one.finding.id);
      if (proof === undefined) return one;
      proving.add(`js.export_removed:${one.finding.subject}`);
      return { ...one, finding: { ...one.finding, proof } };
    });
  return [...kept, ...loading.filter(({ finding: { id } }) => !proving.has(id))];
}

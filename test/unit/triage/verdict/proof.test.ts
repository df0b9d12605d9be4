import { expect, test } from "vitest";
import { boundedFacts } from "../../../../src/triage/facts/analysis.ts";
import {
  type Diagnostic,
  type Finding,
  finding,
  type Hit,
} from "../../../../src/triage/facts/finding.ts";
import { provenHits } from "../../../../src/triage/verdict/proof.ts";

const NODE = { by: "node", text: "ERR_REQUIRE_ESM" } as const;

function hit(subject: string, lines: readonly number[], parts: Partial<Finding> = {}): Hit {
  return {
    finding: { ...finding({ rule: "ts.signature", subject, breaking: "yes" }), ...parts },
    usage: lines.length > 0 ? "confirmed" : "none",
    hits: lines.map((line) => ({ path: "a.ts", line })),
  };
}

function error(line: number, message: string, subject?: string): Diagnostic {
  const named = subject === undefined ? {} : { subject };
  return { path: "a.ts", line, code: "TS2339", message, ...named };
}

function toldOf(
  hits: readonly Hit[],
  diagnostics: readonly Diagnostic[],
  within: string | null = null,
): string[] {
  const errors = diagnostics.map((diagnostic) => ({
    diagnostic,
    importedAt: null,
    within,
    isOfCode: true,
  }));
  return provenHits({ hits, errors }).map(
    ({ finding: { subject, breaking, proof }, hits: places }) =>
      `${breaking} ${subject} ${proof?.by ?? "unproven"} ${places.map(({ line }) => line).join()}`,
  );
}

test("an error at a use proves, a use without one may break and no more", () => {
  const hits = [hit("Info.left", [4]), hit("Info.kept", [9])];

  expect(toldOf(hits, [error(4, "Property 'left' does not exist")])).toEqual([
    "yes Info.left compiler 4",
    "maybe Info.kept unproven 9",
  ]);
});

test("of two findings on the line of an error, the one that it names is proven", () => {
  const hits = [hit("run", [4]), hit("Options.old", [4])];

  expect(toldOf(hits, [error(4, "'old' does not exist in type 'Options'")])).toEqual([
    "maybe run unproven 4",
    "yes Options.old compiler 4",
  ]);
});

test("of two findings on a line, an argument belongs to what is called with it", () => {
  const hits = [hit("FSWatcher.on", [4]), hit("watch", [4])];
  const given = error(4, "'disableGlobbing' does not exist in type 'Options'");

  expect(toldOf(hits, [given], "watch")).toEqual([
    "maybe FSWatcher.on unproven 4",
    "yes watch compiler 4",
  ]);
});

test("the name of a module in an error names no finding", () => {
  const hits = [hit("execa", [1]), hit("ExecaReturnValue", [1])];
  const message = "Module '\"execa\"' has no exported member 'ExecaReturnValue'";

  expect(toldOf(hits, [error(1, message)])).toEqual([
    "maybe execa unproven 1",
    "yes ExecaReturnValue compiler 1",
  ]);
});

test("errors come from the top of a file, what follows from them last", () => {
  const errors = [
    { ...error(2, "Parameter 'id' implicitly has an 'any' type", "id"), code: "TS7006" },
    error(9, "no member 'left'"),
    error(4, "no member 'right'"),
  ].map((diagnostic) => ({ diagnostic, importedAt: null, within: null, isOfCode: true }));
  const hits = provenHits({ hits: [hit("O.left", [9]), hit("O.right", [4])], errors });

  const facts = boundedFacts({ hits, diagnostics: [], capsHit: [] });

  expect(facts.hits.map(({ finding: { subject } }) => subject)).toEqual([
    "O.right",
    "O.left",
    "id",
  ]);
});

test("a fact of loading needs no compiler", () => {
  expect(toldOf([hit("p", [1], { rule: "pkg.esm_only", proof: NODE })], [])).toEqual([
    "yes p node 1",
  ]);
});

test("a break that the consumer does not use breaks others, by what is declared", () => {
  expect(toldOf([hit("gone", [])], [])).toEqual(["yes gone declarations "]);
});

test("errors that no finding accounts for are called as they are written, each once", () => {
  const errors = [
    error(7, "no such member", "r.error.errors"),
    error(9, "no such member", "r.error.errors"),
    error(11, "no default export"),
  ];

  expect(toldOf([], errors)).toEqual(["yes r.error.errors compiler 7,9", "yes TS2339 compiler 11"]);
});

test("an error about a name that is imported where a finding stands is that finding's", () => {
  const diagnostic = error(7, "not callable", "f");
  const importedAt = { path: "a.ts", line: 1 };

  const hits = provenHits({
    hits: [hit("default", [1])],
    errors: [{ diagnostic, importedAt, within: null, isOfCode: true }],
  });

  expect(hits.map(({ finding: { proof } }) => proof)).toEqual([
    { by: "compiler", text: "a.ts:7 TS2339: not callable" },
  ]);
});

test("the cap hides no error of the compiler", () => {
  const proven = Array.from({ length: 250 }, (_, line) =>
    hit(`z${line}`, [line + 1], { proof: { by: "compiler", text: "TS1" } }),
  );
  const others = Array.from({ length: 50 }, (_, line) =>
    hit(`a${line}`, [line + 1], { proof: NODE }),
  );

  const { hits, capsHit } = boundedFacts({
    hits: [...others, ...proven],
    diagnostics: [],
    capsHit: [],
  });

  expect(hits).toHaveLength(250);
  expect(hits.every(({ finding: { proof } }) => proof?.by === "compiler")).toBe(true);
  expect(capsHit).toEqual(["findings"]);
});

test.for([
  ["a.js", 3, ["Pool", "pool.acquire"]],
  ["a.js", 12, ["pool.acquire", "Pool"]],
  ["b.js", 3, ["pool.acquire", "Pool"]],
  ["a.ts", 3, ["pool.acquire", "Pool"]],
] as const)("a call of %s:%s stands before errors below it alone", ([path, line, subjects]) => {
  const failed = path === "a.ts" ? "a.ts" : "a.js";
  const call = finding({ rule: "js.parameters_changed", subject: "Pool", breaking: "maybe" });
  const wrong: Hit = {
    finding: {
      ...finding({ rule: "ts.error", subject: "pool.acquire", breaking: "yes" }),
      proof: { by: "compiler", text: "TS2345" },
    },
    usage: "confirmed",
    hits: [{ path: failed, line: 10 }],
  };
  const { hits } = boundedFacts({
    hits: [wrong, { finding: call, usage: "confirmed", hits: [{ path, line }] }],
    diagnostics: [],
    capsHit: [],
  });

  expect(hits.map(({ finding: { subject } }) => subject)).toEqual(subjects);
});

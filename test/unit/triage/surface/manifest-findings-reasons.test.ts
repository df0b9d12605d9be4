import { expect } from "vitest";
import type { Analysis } from "../../../../src/triage/facts/analysis.ts";
import { LIMITS } from "../../../../src/triage/facts/limits.ts";
import { analyzePackage } from "../../../../src/triage/pipeline/analyze-package.ts";
import { verdictOn } from "../../../../src/triage/verdict/judge.ts";
import {
  type ConsumerCase,
  reasoning,
  recommendedChanges,
} from "../../../../src/triage/verdict/words.ts";
import { breakingHits, type MakeUpgrade, test, type Upgrade } from "../../../support/packages.ts";

const SLOW = { timeout: 60_000 };
const TYPES = "export function get(): string;\n";
const USE = 'import { get } from "provider";\nget();\n';

/** The analysis of a major. */
async function analysisOf(makeUpgrade: MakeUpgrade, upgrade: Upgrade): Promise<Analysis> {
  const { "package.json": manifest, ...to } = upgrade.to ?? {};
  const fields = typeof manifest === "object" ? manifest : {};
  const request = await makeUpgrade({
    ...upgrade,
    to: { ...to, "package.json": { version: "2.0.0", ...fields } },
  });
  return analyzePackage({ ...request, package: { ...request.package, to: "2.0.0" } }, () => {});
}

function caseOf(analysis: Analysis): ConsumerCase {
  const source = {
    mode: "npm",
    name: "provider",
    change: "provider 1.0.0 → 2.0.0",
    verify: "run the tests",
    baseSha: "1.0.0",
    headSha: "2.0.0",
    named: [],
    payloadHash: null,
  } as const;
  return { source, target: "acme/shop", analysis, verdict: verdictOn(analysis, {}) };
}

test("engines tell ours and theirs, at our manifest", SLOW, async ({ makeUpgrade }) => {
  const analysis = await analysisOf(makeUpgrade, {
    from: { "index.d.ts": TYPES },
    to: { "index.d.ts": TYPES, "package.json": { engines: { node: ">=20" } } },
    consumer: { "package.json": { engines: { node: ">=18" } }, "a.ts": USE },
  });

  expect(breakingHits(analysis)).toEqual(["pkg.engines:node confirmed package.json:7"]);
  expect(analysis.hits[0]?.finding).toMatchObject({
    own: ">=18",
    after: ">=20",
    proof: { by: "node", text: "node: >=18 is not within >=20" },
  });
  expect(recommendedChanges(caseOf(analysis))).toContain(
    "package.json:7 node >=20 is required, before any; this repository states >=18",
  );
});

test("an engine that we do not state is a note", SLOW, async ({ makeUpgrade }) => {
  const analysis = await analysisOf(makeUpgrade, {
    from: { "index.d.ts": TYPES },
    to: { "index.d.ts": TYPES, "package.json": { engines: { node: ">=20" } } },
    consumer: { "a.ts": USE },
  });

  const about = caseOf(analysis);
  expect(about.verdict.requiresAction).toBe(false);
  expect(reasoning(about)).toContain(
    "Note: node >=20 is required, before any; this repository states none.",
  );
});

test("a peer tells our own range, at our manifest", SLOW, async ({ makeUpgrade }) => {
  const analysis = await analysisOf(makeUpgrade, {
    from: { "index.d.ts": TYPES, "package.json": { peerDependencies: { react: ">=17" } } },
    to: { "index.d.ts": TYPES, "package.json": { peerDependencies: { react: ">=19" } } },
    consumer: {
      "package.json": { dependencies: { provider: "^1.0.0", react: "^18.2.0" } },
      "a.ts": USE,
    },
  });

  expect(breakingHits(analysis)).toEqual(["pkg.peer_narrowed:react confirmed package.json:5"]);
  expect(recommendedChanges(caseOf(analysis))).toContain(
    "package.json:5 the peer react >=19 is required, before >=17; this repository states ^18.2.0",
  );
});

const CHANGELOG = [
  "# Changelog",
  "## 2.0.0",
  "### Breaking changes",
  "- `get` answers with the newest value",
  "## 1.0.0",
  "- first",
].join("\n");

test(
  "a major whose notes name what is used may break who uses it",
  SLOW,
  async ({ makeUpgrade }) => {
    const analysis = await analysisOf(makeUpgrade, {
      from: { "index.d.ts": TYPES, "index.js": 'exports.get = () => "old";\n' },
      to: {
        "index.d.ts": TYPES,
        "index.js": 'exports.get = () => "new";\n',
        "CHANGELOG.md": CHANGELOG,
      },
      consumer: { "a.ts": USE },
    });

    expect(breakingHits(analysis)).toEqual(["js.use_announced:get confirmed a.ts:2"]);
    expect(recommendedChanges(caseOf(analysis))).toContain(
      "a.ts:2 the notes of the release speak of `get` " +
        "(CHANGELOG.md: - `get` answers with the newest value)",
    );
  },
);

test("a major that runs other code, and no more, is a remark", SLOW, async ({ makeUpgrade }) => {
  const analysis = await analysisOf(makeUpgrade, {
    from: { "index.js": 'exports.get = () => "old";\n' },
    to: { "index.js": 'exports.get = () => "new";\n', "CHANGELOG.md": "## 2.0.0\n- faster\n" },
    consumer: { "a.js": 'const { get } = require("provider");\nget();\n' },
  });

  const about = caseOf(analysis);
  expect(about.verdict).toMatchObject({ requiresAction: false, urgency: "low" });
  // 0.65 for a major without a reason, and a tenth less where no types are declared.
  expect(about.verdict.confidence).toBe(0.59);
  expect(reasoning(about)).toContain(
    "Note: provider steps from 1.0.0 to 2.0.0 for no reason that is seen; what is used here loads as before, with its members, parameters and options: its CHANGELOG.md: faster.",
  );
});

test("a major whose entry cannot be told may break who calls it", SLOW, async ({ makeUpgrade }) => {
  const analysis = await analysisOf(makeUpgrade, {
    from: { "index.js": "module.exports = make(1);\n" },
    to: { "index.js": "module.exports = make(2);\n" },
    consumer: { "a.js": 'const get = require("provider");\nget();\n' },
  });

  expect(breakingHits(analysis)).toEqual(["pkg.version:provider confirmed a.js:1"]);
  expect(recommendedChanges(caseOf(analysis))).toContain(
    "runs other code; the files do not tell what it exports: run the tests that reach it here; " +
      "read its release notes",
  );
});

test.for([
  ["with the same code", "// now 2.0.0\nexports.get = () => 'x';\n", USE],
  [
    "for who imports types alone",
    "exports.get = () => 'y';\n",
    'import type { get } from "provider";\nexport type Get = typeof get;\n',
  ],
] as const)(
  "a major %s is a number, with what it says",
  SLOW,
  async ([, code, use], { makeUpgrade }) => {
    const analysis = await analysisOf(makeUpgrade, {
      from: { "index.d.ts": TYPES, "index.js": "exports.get = () => 'x';\n" },
      to: { "index.d.ts": TYPES, "index.js": code, "CHANGELOG.md": CHANGELOG },
      consumer: { "a.ts": use },
    });

    const about = caseOf(analysis);
    expect(about.verdict).toMatchObject({ requiresAction: false, confidence: 0.75 });
    expect(reasoning(about)).toContain(
      "steps from 1.0.0 to 2.0.0: its CHANGELOG.md: `get` answers",
    );
  },
);

test(
  "a major whose code is too large to read may run other code",
  SLOW,
  async ({ makeUpgrade }) => {
    const filler = "// more\n".repeat(LIMITS.fileBytesMax / 8);
    const analysis = await analysisOf(makeUpgrade, {
      from: { "index.d.ts": TYPES, "index.js": `exports.get = () => "old";\n${filler}` },
      to: { "index.d.ts": TYPES, "index.js": `exports.get = () => "new";\n${filler}` },
      consumer: { "a.ts": USE },
    });

    expect(breakingHits(analysis)).toEqual(["pkg.version:provider confirmed a.ts:1"]);
  },
);

test("the notes of a release are bounded", SLOW, async ({ makeUpgrade }) => {
  const long = `## 2.0.0\n${"- many words of one line\n".repeat(200)}`;
  const analysis = await analysisOf(makeUpgrade, {
    from: { "index.d.ts": TYPES },
    to: { "index.d.ts": TYPES, "CHANGELOG.md": long },
    consumer: { "a.ts": USE },
  });

  const [step] = analysis.hits.filter(({ finding }) => finding.rule === "pkg.version");
  expect(step?.finding.notes?.length).toBeLessThanOrEqual(620);
});

// Goal: what a file is about, what its change is for and what differs in it is read by whole
// words and by structure.

import { expect, test } from "vitest";
import type { ChangedFile } from "../../../../src/triage/facts/change-set.ts";
import { concernRules } from "../../../../src/triage/template/concerns.ts";
import { explain } from "../../../../src/triage/template/explain.ts";
import { intentOf, messageIntent } from "../../../../src/triage/template/intent.ts";
import { mapPathOf } from "../../../../src/triage/template/payload.ts";

type Given = Partial<ChangedFile> & { readonly came?: string; readonly gone?: string };

function file(path: string, { came = "", gone = "", ...given }: Given = {}): ChangedFile {
  return {
    path,
    oldPath: null,
    changeType: "modified",
    before: null,
    after: null,
    added: told(came),
    removed: told(gone),
    isBinary: false,
    ...given,
  };
}

function told(text: string): ChangedFile["added"] {
  return text === "" ? [] : text.split("\n").map((line) => ({ line: null, text: line }));
}

const USUAL = { shared_concerns: null, divergent_concerns: null, concern_globs: {} };

test.for([
  ["Dockerfile", "docker", "shared"],
  ["deploy/compose.prod.yml", "docker", "shared"],
  [".github/workflows/ci.yml", "infrastructure", "shared"],
  [".github/dependabot.yml", "infrastructure", "shared"],
  ["k8s/app.yaml", "deployment", "shared"],
  ["src/health.ts", "health_checks", "shared"],
  ["lib/gpu_setup.py", "gpu_configuration", "shared"],
  ["src/system/logger.ts", "logging", "shared"],
  ["app.py", "application_logic", "divergent"],
  ["src/routes/users.ts", "api_endpoints", "divergent"],
  ["src/services/logger.ts", "business_logic", "divergent"],
  ["catalog/login.ts", null, "other"],
  ["docs/report.txt", null, "other"],
] as const)("%s is of concern %s, %s", ([path, name, kind]) => {
  expect(concernRules(USUAL)(file(path))).toMatchObject({ name, kind });
});

test("changed lines tell where the path does not, and never by a part of a word", () => {
  const rules = concernRules(USUAL);

  expect(rules(file("setup.cfg", { came: "livenessProbe = /x" })).name).toBe("health_checks");
  expect(rules(file("setup.cfg", { came: "catalog = author\nreport = 1" })).name).toBeNull();
  // The place is stronger than words of the lines.
  expect(rules(file("Dockerfile", { came: "# the service of the domain" })).kind).toBe("shared");
});

test("a relationship names concerns of its own, and globs that come first", () => {
  const rules = concernRules({
    shared_concerns: ["release_notes", "docker"],
    divergent_concerns: ["docker", "secrets"],
    concern_globs: { secrets: ["vault/**"], release_notes: ["{a,b}/*.md"] },
  });

  expect(rules(file("docs/release-notes.md"))).toMatchObject({
    name: "release_notes",
    kind: "shared",
  });
  expect(rules(file("Dockerfile"))).toMatchObject({ name: "docker", kind: "divergent" });
  expect(rules(file("vault/release-notes"))).toMatchObject({ name: "secrets", kind: "divergent" });
  expect(rules(file("a/x.md"))).toMatchObject({ name: "release_notes", kind: "shared" });
  expect(rules(file("logging/x.ts"))).toMatchObject({ name: null, kind: "other" });
});

test.for([
  ["fix(api): mend", "fix"],
  ["feat!: more", "feature"],
  ["docs: fix typo", "chore"],
  ["Fix the build", "fix"],
  ["prefix the names", "chore"],
  ["chore: close CVE-2026-1234", "security"],
  ["bump x (GHSA-abcd-1234-efgh)", "security"],
  ["harden security of uploads", "security"],
  ["insecurity", "chore"],
] as const)("the message %j is for %s", ([message, intent]) => {
  expect(messageIntent(message)).toBe(intent);
});

test("a raised dependency that runs is security, one for development or a new one is not", () => {
  const bump = (field: string, from: string | null, to: string) =>
    intentIn("web/package.json", {
      before: manifest({ [field]: from === null ? {} : { a: from } }),
      after: manifest({ [field]: { a: to } }),
    });

  expect(bump("dependencies", "^1.0.0", "^1.0.1")).toBe("security");
  expect(bump("dependencies", "^1.0.1", "^1.0.0")).toBe("chore");
  expect(bump("dependencies", null, "^1.0.0")).toBe("chore");
  expect(bump("devDependencies", "^1.0.0", "^1.0.1")).toBe("chore");
  expect(intentIn("requirements.txt", { gone: "flask==2.0.1", came: "flask==2.0.2" })).toBe(
    "security",
  );
  expect(intentIn("go.mod", { gone: "\tx.io/y v1.2.0", came: "\tx.io/y v1.2.1" })).toBe("security");
  expect(intentIn("pyproject.toml", { gone: 'version = "1.0"', came: 'version = "1.1"' })).toBe(
    "chore",
  );
});

test.for([
  ["requirements-dev.txt", "pytest==8.0.0", "pytest==8.1.0", "chore"],
  ["requirements/test.txt", "pytest==8.0.0", "pytest==8.1.0", "chore"],
  ["requirements/base.txt", "flask==3.0.0", "flask==3.0.1", "security"],
] as const)("a raised line of %s: %s to %s is %s", ([path, gone, came, intent]) => {
  expect(intentIn(path, { gone, came })).toBe(intent);
});

test.for([
  ["pyproject.toml", '[project]\ndependencies = ["a[b] >= 1.0"]\n', "security"],
  ["pyproject.toml", '[project.optional-dependencies]\nweb = ["a~=1.0"]\n', "security"],
  ["pyproject.toml", '[project.optional-dependencies]\ntest = ["a~=1.0"]\n', "chore"],
  ["pyproject.toml", '[dependency-groups]\ndev = ["a==1.0"]\n', "chore"],
  ["pyproject.toml", '[build-system]\nrequires = ["a>=1.0"]\n', "chore"],
  ["pyproject.toml", '[tool.poetry.dependencies]\na = "^1.0"\n', "security"],
  ["pyproject.toml", '[tool.poetry.group.dev.dependencies]\na = "^1.0"\n', "chore"],
  ["pyproject.toml", '[tool.poetry.dependencies]\npython = "^1.0"\n', "chore"],
  ["Cargo.toml", '[dependencies]\na = { version = "1.0" }\n', "security"],
  ["Cargo.toml", '[dev-dependencies]\na = "1.0"\n', "chore"],
] as const)("a version that rises in %s, %j, is %s", ([path, before, intent]) => {
  const after = before.replace("1.0", "1.1");
  const [gone = "", came = ""] = [before, after].map((text) => text.split("\n")[1] ?? "");

  expect(intentIn(path, { before, after, gone, came })).toBe(intent);
  expect(intentIn(path, { before: after, after: before, gone: came, came: gone })).toBe("chore");
});

test.for([
  ["a literal that goes", "settings.py", { gone: 'DB_PASSWORD = "hunter2!"', came: "x = env()" }],
  ["a literal in YAML", "compose.yaml", { gone: "  API_KEY: abc123", came: "  API_KEY: ${KEY}" }],
  ["a literal in a list", "compose.yaml", { gone: "  - DB_PASSWORD=hunter2", came: "" }],
  ["a build's mount", "Dockerfile", { came: "RUN --mount=type=secret,id=npm npm ci" }],
  ["an ignored file", ".dockerignore", { came: ".env" }],
] as const)("%s takes better care of secrets", ([, path, given]) => {
  expect(intentOf(file(path, given), ["chore: x"])).toBe("security");
});

test.for([
  [
    "another literal",
    "settings.py",
    { gone: 'PASSWORD = "hunter2!"', came: 'PASSWORD = "x2345678"' },
  ],
  ["a name that only contains the word", "a.py", { gone: 'passwordless = "hunter2!"' }],
  ["an ignored folder", ".gitignore", { came: "environment/" }],
  ["a workflow's own word", "ci.yml", { gone: "    secrets: inherit" }],
  ["a name of one", "app.yaml", { gone: "  secretName: orders-tls" }],
] as const)("%s does not", ([, path, given]) => {
  expect(intentOf(file(path, given), ["chore: x"])).toBe("chore");
});

test("known formats are explained by key", () => {
  expect(
    said(
      "Dockerfile",
      "FROM node:20-slim AS a\nENV A=1 B=2\nEXPOSE 80\nUSER root\n",
      "FROM --platform=x node:22-slim AS a\n# c\nENV A=1 \\\n  B=3\nEXPOSE 80 443\nHEALTHCHECK CMD x\n",
    ),
  ).toEqual([
    "node:20-slim → node:22-slim",
    "ENV B: 2 → 3",
    "EXPOSE 443 added",
    "HEALTHCHECK added",
    "USER removed",
  ]);
  expect(
    said(
      "compose.yaml",
      "services:\n  app:\n    image: a:1\n    ports: ['80:80']\n",
      "services:\n  app:\n    image: a:2\n    ports: ['81:80']\n",
    ),
  ).toEqual([
    "services.app.image: a:1 → a:2",
    "services.app.ports[81:80] added",
    "services.app.ports[80:80] removed",
  ]);
  expect(
    said(
      ".github/workflows/ci.yml",
      "jobs:\n  t:\n    steps:\n      - uses: actions/checkout@v4\n",
      "jobs:\n  t:\n    steps:\n      - uses: actions/checkout@v5\n",
    ),
  ).toEqual(["jobs.t.steps[actions/checkout].uses: actions/checkout@v4 → actions/checkout@v5"]);
  expect(
    said(
      "package.json",
      '{"engines":{"node":">=20"}}',
      '{"engines":{"node":">=22"},"type":"module"}',
    ),
  ).toEqual(["engines.node: >=20 → >=22", "type added"]);
});

test("a file that does not parse, or has an unknown format, is not explained", () => {
  const nothing = { changes: [], leftOut: null };
  expect(explain(file("compose.yaml", { before: "a: [", after: "a: 1" }))).toEqual(nothing);
  expect(explain(file("notes.txt", { before: "a", after: "b" }))).toEqual(nothing);
  expect(explain(file("Dockerfile", { came: "FROM a" })).changes).toEqual(["FROM a added"]);
});

test("all changes are told, each once", () => {
  const stages = "FROM node:20 AS a\nFROM node:20 AS b\n";
  expect(
    explain(
      file("Dockerfile", {
        before: stages,
        after: `${stages.replaceAll("20", "22")}HEALTHCHECK CMD true\nUSER node\nEXPOSE 80\n`,
      }),
    ).changes,
  ).toEqual([
    "node:20 → node:22",
    "HEALTHCHECK (stage 2) added",
    "USER (stage 2) added",
    "EXPOSE 80 (stage 2) added",
  ]);
  const steps = "steps:\n- uses: a/b@v1\n  with: {x: 1}\n- uses: a/b@v1\n";
  expect(
    explain(
      file(".github/workflows/ci.yml", {
        before: steps,
        after: `permissions: read-all\n${steps.slice(0, -2)}2\n`,
      }),
    ).changes,
  ).toEqual(["steps[a/b 2].uses: a/b@v1 → a/b@v2", "permissions added"]);
  expect(explain(file(".env.example", { before: "A=1\nB=1", after: "A=2\nC=1" })).changes).toEqual([
    "A changed",
    "C added",
    "B removed",
  ]);
});

test.for([
  ["keys of keys", "? ".repeat(600), "it is nested more than 64 deep"],
  ["lists of lists", "[".repeat(5_000), "it is nested more than 64 deep"],
  ["text", "a".repeat(100_001), "it has more than 100000 characters"],
] as const)("a compose file of %s is left out, with the reason", ([, after, leftOut]) => {
  const explained = explain(file("compose.yaml", { before: "a: 1", after }));

  expect(explained).toEqual({ changes: [], leftOut });
});

test("a path map takes the longest that fits, folders as well as files, and leads back", () => {
  const path_map = { "./docker/": "ops/container", "docker/run.sh": "start.sh", src: "." };
  const there = mapPathOf({ path_map, direction: "forward" });
  const back = mapPathOf({ path_map: { docker: "ops" }, direction: "reverse" });

  expect(["docker/a.sh", "docker/run.sh", "src/a.ts", "dockerfile", "docker"].map(there)).toEqual([
    "ops/container/a.sh",
    "start.sh",
    "a.ts",
    "dockerfile",
    "ops/container",
  ]);
  expect(back("ops/a.sh")).toBe("docker/a.sh");
});

function manifest(fields: object): string {
  return `${JSON.stringify(fields)}\n`;
}

function intentIn(path: string, given: Given): string {
  return intentOf(file(path, given), ["chore: x"]);
}

function said(path: string, before: string, after: string): string[] {
  return [...explain(file(path, { before, after })).changes];
}

test.for([
  [
    "none is given",
    ".github/workflows/ci.yml",
    "on: push\n",
    "on: push\npermissions: {}\n",
    ["permissions: {} added"],
  ],
  [
    "settings have comments",
    "tsconfig.json",
    '{\n  // a\n  "a": 1, /* b */ "b": ["x",],\n}\n',
    '{\n  // a\n  "a": 2, /* b */ "b": ["x", "// y",],\n}\n',
    ["a: 1 → 2", "b[// y] added"],
  ],
  [
    "an instruction has its text below",
    "Dockerfile",
    "FROM a\nRUN <<EOF\nUSER x\nEOF\n",
    "FROM a\nRUN <<EOF\nUSER y\nEOF\nUSER z\n",
    ["RUN <<EOF USER y EOF added", "USER added", "RUN <<EOF USER x EOF removed"],
  ],
] as const)("a change is named where %s", ([, path, before, after, changes]) => {
  expect(explain(file(path, { before, after })).changes).toEqual(changes);
});

test.for([
  ["compose.yaml", "API_KEY: abcdef", "API_KEY: uvwxyz", ["API_KEY changed"]],
  ["compose.yaml", "API_KEY: abcdef", "API_KEY: ${KEY}", ["API_KEY changed"]],
  ["compose.yaml", "API_KEY: ${OLD}", "API_KEY: ${KEY}", ["API_KEY: ${OLD} → ${KEY}"]],
  [
    "compose.yaml",
    "env:\n  - API_KEY=abcdef",
    "env:\n  - API_KEY=uvwxyz",
    ["env[API_KEY] changed"],
  ],
  ["compose.yaml", "env:\n  - PORT=1", "env:\n  - PORT=2", ["env[PORT]: 1 → 2"]],
  [
    "app.json",
    '{"db": {"password": "abcdef"}}',
    '{"db": {"password": "x"}}',
    ["db.password changed"],
  ],
  ["Dockerfile", "ENV API_TOKEN=abcdef", "ENV API_TOKEN=uvwxyz", ["ENV API_TOKEN changed"]],
  [
    "ci.yml",
    "permissions:\n  id-token: read",
    "permissions:\n  id-token: write",
    ["permissions.id-token: read → write"],
  ],
] as const)("the value of a secret in %s is not told: %j", ([path, before, after, changes]) => {
  expect(said(path, `${before}\n`, `${after}\n`)).toEqual(changes);
});

test.for([
  ["line-length = 88", "line-length = 100"],
  ["fail_under = 80", "fail_under = 90"],
  ['requires-python = ">=3.10"', 'requires-python = ">=3.12"'],
  ['python = "^3.10"', 'python = "^3.12"'],
  ['target-version = "3.10"', 'target-version = "3.12"'],
  ['edition = "2021"', 'edition = "2024"'],
] as const)("a setting of a manifest that rises is no dependency: %s", ([gone, came]) => {
  expect(intentOf(file("pyproject.toml", { gone, came }), ["chore: x"])).toBe("chore");
});

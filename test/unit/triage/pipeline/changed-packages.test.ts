// Goal: a commit of a repository that is a package is compared as a package, built or not.

import { expect } from "vitest";
import { test } from "../../../support/consumer-triage.ts";

const MANIFEST = {
  name: "provider",
  version: "1.0.0",
  type: "module",
  exports: { ".": { types: "./dist/index.d.ts", default: "./dist/index.js" } },
};

const json = (value: object): string => `${JSON.stringify(value, null, 2)}\n`;

const SOURCE = `export type Options = { readonly retries: number };

export function connect(url: string, options: Options): void {
  void [url, options];
}

export const ping = (): boolean => true;
`;

const CHANGED_SOURCE = `export type Options = { readonly retries: number };

export function connect(url: URL, options: Options): void {
  void [url, options];
}
`;

const CONSUMER = {
  "package.json": json({ name: "consumer", dependencies: { provider: "^1.0.0" } }),
  "src/main.ts": `import { connect, ping } from "provider";

if (ping()) connect("https://example.org", { retries: 3 });
`,
};

const BREAKS = {
  requires_action: true,
  urgency: "critical",
  confidence: 0.97,
  affected_files: ["src/main.ts"],
};

test("a package whose build is not committed is compared by its sources", async ({
  repository,
  consumer,
  triage,
}) => {
  await repository.commit({ "package.json": json(MANIFEST), "src/index.ts": SOURCE });
  const head = await repository.commit({ "src/index.ts": CHANGED_SOURCE });
  await consumer.commit(CONSUMER);

  const result = await triage(head);

  expect(result).toMatchObject({
    ...BREAKS,
    evidence: {
      mode: "git",
      usage: "confirmed",
      // The commit will be of a version whose number nobody knows.
      exposure: { range: "^1.0.0", new: `1.0.0+${head.slice(0, 12)}`, satisfies: null },
      degraded: [],
    },
  });
  const broken = result.evidence.findings.filter(({ breaking }) => breaking === "yes");
  expect(broken.map(({ id, provider, hits }) => [id, provider, ...hits])).toEqual([
    [
      "ts.export_removed:ping",
      { path: "src/index.ts", line: 7 },
      { path: "src/main.ts", line: 1 },
      { path: "src/main.ts", line: 3 },
    ],
    [
      "ts.signature:connect",
      { path: "src/index.ts", line: 3 },
      { path: "src/main.ts", line: 1 },
      { path: "src/main.ts", line: 3 },
    ],
  ]);
  expect(result.evidence.diagnostics.map(({ line, code }) => [line, code])).toEqual([
    [1, "TS2305"],
    [3, "TS2345"],
  ]);
});

test("a package whose declarations are committed is compared by them", async ({
  repository,
  consumer,
  triage,
}) => {
  const files = {
    "package.json": json(MANIFEST),
    "dist/index.js": "export const ping = () => true;\n",
    "dist/index.d.ts":
      "export declare function connect(url: string, options: object): void;\n" +
      "export declare const ping: () => boolean;\n",
  };
  await repository.commit(files);
  const head = await repository.commit({
    "package.json": json({ ...MANIFEST, version: "2.0.0" }),
    "dist/index.d.ts": "export declare function connect(url: string, options: object): void;\n",
  });
  await consumer.commit(CONSUMER);

  expect(await triage(head)).toMatchObject({
    ...BREAKS,
    // The consumer's range keeps 2.0.0 out.
    urgency: "high",
    evidence: {
      exposure: { new: "2.0.0", satisfies: false },
      findings: expect.arrayContaining([
        expect.objectContaining({
          id: "ts.export_removed:ping",
          provider: { path: "dist/index.d.ts", line: 2 },
        }),
      ]),
    },
  });
});

test("one package of many is compared, and told by its place in the repository", async ({
  repository,
  consumer,
  triage,
}) => {
  await repository.commit({
    "package.json": json({ name: "root", private: true, workspaces: ["packages/*"] }),
    "packages/provider/package.json": json(MANIFEST),
    "packages/provider/src/index.ts": SOURCE,
    "packages/other/package.json": json({ name: "other", version: "1.0.0" }),
    "packages/other/index.js": "export const one = 1;\n",
  });
  const head = await repository.commit({
    "packages/provider/src/index.ts": CHANGED_SOURCE,
    "packages/other/index.js": "export const two = 2;\n",
  });
  await consumer.commit(CONSUMER);

  const { evidence, ...verdict } = await triage(head);

  expect(verdict).toMatchObject(BREAKS);
  expect(evidence.findings.map(({ id }) => id)).not.toContain("js.export_removed:one");
  expect(evidence.findings.find(({ id }) => id === "ts.export_removed:ping")?.provider).toEqual({
    path: "packages/provider/src/index.ts",
    line: 7,
  });
});

test("a change of another package leaves the consumer alone", async ({
  repository,
  consumer,
  triage,
}) => {
  await repository.commit({
    "packages/provider/package.json": json(MANIFEST),
    "packages/provider/src/index.ts": SOURCE,
    "packages/other/package.json": json({ name: "other", version: "1.0.0" }),
  });
  const head = await repository.commit({
    "packages/other/package.json": json({ name: "other", version: "2.0.0" }),
  });
  await consumer.commit(CONSUMER);

  expect(await triage(head)).toMatchObject({
    requires_action: false,
    evidence: { findings: [], exposure: null },
  });
});

test("an entry that is neither built nor has a source makes the verdict less sure", async ({
  repository,
  consumer,
  triage,
}) => {
  await repository.commit({ "package.json": json(MANIFEST), "generate.py": "1\n" });
  const head = await repository.commit({ "generate.py": "2\n" });
  await consumer.commit(CONSUMER);

  const { evidence } = await triage(head);

  expect(evidence.degraded).toContain(
    "provider: dist/index.d.ts, dist/index.js not committed, nor sources of it",
  );
});

test("a package that moves to another folder is the same one", async ({
  repository,
  consumer,
  triage,
}) => {
  await repository.commit({
    "packages/provider/package.json": json(MANIFEST),
    "packages/provider/src/index.ts": SOURCE,
  });
  const head = await repository.commit({
    "packages/provider/package.json": null,
    "packages/provider/src/index.ts": null,
    "libraries/provider/package.json": json(MANIFEST),
    "libraries/provider/src/index.ts": CHANGED_SOURCE,
  });
  await consumer.commit(CONSUMER);

  expect(await triage(head)).toMatchObject({ ...BREAKS, evidence: { degraded: [] } });
});

test("a package.json of the consumer may begin with a byte order mark, or tell nothing", async ({
  repository,
  consumer,
  triage,
}) => {
  await repository.commit({ "package.json": json(MANIFEST), "src/index.ts": SOURCE });
  const head = await repository.commit({ "src/index.ts": CHANGED_SOURCE });
  await consumer.commit({ ...CONSUMER, "package.json": `\uFEFF${CONSUMER["package.json"]}` });

  expect(await triage(head)).toMatchObject(BREAKS);

  await consumer.commit({ "package.json": "{ not json" });
  expect((await triage(head)).evidence.degraded).toEqual([
    "the consumer's package.json does not parse: its packages were not compared",
  ]);
});

test("a package that is not there any more is said", async ({ repository, consumer, triage }) => {
  await repository.commit({ "package.json": json(MANIFEST), "src/index.ts": SOURCE });
  const head = await repository.commit({ "package.json": json({ ...MANIFEST, name: "renamed" }) });
  await consumer.commit(CONSUMER);

  expect((await triage(head)).evidence.degraded).toEqual([
    "provider: not in acme/provider any more",
  ]);
});

test("a package.json of the consumer that does not parse spares the service", async ({
  repository,
  consumer,
  triage,
}) => {
  await repository.commit({
    "package.json": json(MANIFEST),
    "src/index.ts": SOURCE,
    Dockerfile: "EXPOSE 8080\n",
  });
  const head = await repository.commit({
    "src/index.ts": CHANGED_SOURCE,
    Dockerfile: "EXPOSE 9090\n",
  });
  await consumer.commit({
    "package.json": "{ not json",
    "app/package.json": CONSUMER["package.json"],
    "app/call.ts": 'await fetch("http://provider:8080/");\n',
  });

  expect(await triage(head)).toMatchObject({
    requires_action: true,
    affected_files: ["app/call.ts"],
    evidence: {
      degraded: [expect.stringMatching(/^provider was not compared: cannot parse package\.json/)],
    },
  });
});

function source(members: string): string {
  return (
    `export interface Options { ${members} }\n\n` +
    "export function connect(options: Options): void {\n  void options;\n}\n"
  );
}

test("two runs give the same bytes, and none of a scratch folder", async ({
  repository,
  consumer,
  config,
  triage,
}) => {
  await repository.commit({
    "package.json": json(MANIFEST),
    "src/index.ts": source("readonly retries: number"),
  });
  const head = await repository.commit({
    "src/index.ts": source("readonly retries: number; readonly delay: number"),
  });
  // The compiler tells two types of one name apart by their files.
  const main =
    'import { connect } from "provider";\n\n' +
    "interface Options { readonly retries: number }\n\n" +
    "const options: Options = { retries: 3 };\nconnect(options);\n";
  await consumer.commit({ ...CONSUMER, "src/main.ts": main });

  const [first, second] = [await triage(head), await triage(head)];

  expect(first.evidence.diagnostics[0]?.message).toContain('import("provider@1.0.0/');
  expect(JSON.stringify(first)).not.toContain(config.cacheFolder);
  expect(JSON.stringify({ ...second, duration_ms: 0 })).toBe(
    JSON.stringify({ ...first, duration_ms: 0 }),
  );
});

test("a package that a catalog gives another name is compared", async ({
  repository,
  consumer,
  triage,
}) => {
  await repository.commit({ "package.json": json(MANIFEST), "src/index.ts": SOURCE });
  const head = await repository.commit({ "src/index.ts": CHANGED_SOURCE });
  await consumer.commit({
    "package.json": json({ name: "consumer", dependencies: { client: "catalog:" } }),
    "pnpm-workspace.yaml": "catalog:\n  client: npm:provider@^1.0.0\n",
    "src/main.ts": CONSUMER["src/main.ts"].replace('"provider"', '"client"'),
  });

  expect(await triage(head)).toMatchObject(BREAKS);
});

test("code of the consumer that is too large to read may use what is gone", async ({
  repository,
  consumer,
  triage,
}) => {
  await repository.commit({ "package.json": json(MANIFEST), "src/index.ts": SOURCE });
  const head = await repository.commit({
    "src/index.ts": SOURCE.slice(0, SOURCE.indexOf("export const ping")),
  });
  await consumer.commit({
    ...CONSUMER,
    "src/main.ts": 'import { connect } from "provider";\n\nconnect("", { retries: 3 });\n',
  });
  const known = await triage(head);
  await consumer.commit({
    "src/huge.ts": `${CONSUMER["src/main.ts"]}${"// more\n".repeat(150_000)}`,
  });

  const result = await triage(head);

  expect(known).toMatchObject({ requires_action: false, evidence: { caps_hit: [] } });
  expect(result).toMatchObject({
    requires_action: true,
    evidence: {
      caps_hit: ["file_bytes"],
      findings: [{ id: "ts.export_removed:ping", usage: "unknown" }],
    },
  });
});

import { expect, test } from "vitest";
import {
  parseRelationshipsFile,
  RelationshipsFileError,
} from "../../src/triage/relationships/relationships-file.ts";

function parse(relationships: unknown, more: object = {}) {
  return parseRelationshipsFile(JSON.stringify({ version: "1.0.0", relationships, ...more }));
}

function problemsOf(text: string): readonly string[] {
  try {
    parseRelationshipsFile(text);
  } catch (err) {
    if (err instanceof RelationshipsFileError) {
      return err.problems;
    }
    throw err;
  }
  throw new Error("expected problems, got none");
}

test("consumers and derivatives become relationships, with all that is said of them", () => {
  const consumer = {
    description: "calls it",
    interface_files: ["a.py"],
    change_triggers: ["api_contract"],
    urgency_mapping: { api_contract: "critical" },
    hosts: ["api"],
  };
  const derivative = { shared_concerns: ["docker"], sync_strategy: "all", bidirectional: true };

  expect(
    parse(
      {
        "o/provider": {
          type: "service_provider",
          description: "serves",
          consumers: [{ repo: "o/consumer", relationship_type: "api_consumer", ...consumer }],
          derivatives: [{ repo: "o/fork", clone_url: "file:///fork", ...derivative }],
        },
      },
      { notification_settings: { digest_schedule: "weekly" } },
    ),
  ).toEqual({
    repositories: [
      { repoName: "o/provider", repoType: "service_provider", metadata: { description: "serves" } },
      { repoName: "o/fork", repoType: null, metadata: { clone_url: "file:///fork" } },
    ],
    relationships: [
      {
        sourceRepo: "o/provider",
        targetRepo: "o/consumer",
        relationshipType: "api_consumer",
        config: consumer,
      },
      {
        sourceRepo: "o/provider",
        targetRepo: "o/fork",
        relationshipType: "template_fork",
        config: derivative,
      },
    ],
  });
});

test("a derivative that only names its template is one of it", () => {
  const { relationships } = parse({
    "o/template": { derivatives: [{ repo: "o/listed", bidirectional: false }] },
    "o/listed": { parent_template: "o/template", bidirectional: true },
    "o/unlisted": { parent_template: "o/template", bidirectional: true },
  });

  expect(relationships).toEqual([
    {
      sourceRepo: "o/template",
      targetRepo: "o/listed",
      relationshipType: "template_fork",
      config: { bidirectional: false },
    },
    {
      sourceRepo: "o/template",
      targetRepo: "o/unlisted",
      relationshipType: "template_fork",
      config: { bidirectional: true },
    },
  ]);
});

test.for([
  ["no JSON", "{,}", /^not JSON: /],
  ["a list", "[]", /^\(whole\): /],
  ["no relationships", '{"version": "1"}', /^relationships: /],
  [
    "a name",
    '{"relationships": {"provider": {}}}',
    /^relationships\.provider: expected a repository/,
  ],
] as const)("a file with %s wrong is refused", ([, text, problem]) => {
  expect(problemsOf(text)).toEqual([expect.stringMatching(problem)]);
});

test("each problem is told with its place", () => {
  const text = JSON.stringify({
    relationships: {
      "o/a": {
        consumers: [
          { repo: "x" },
          { repo: "o/b", relationship_type: "template_fork" },
          { repo: "o/c", urgency_mapping: { ports: "high" } },
          { repo: "o/d", urgency_mapping: { endpoints: "huge" } },
          { repo: "o/e", change_triggers: ["api"] },
        ],
        derivatives: [{ repo: "o/f", sync_strategy: "some" }],
      },
    },
  });
  const place = String.raw`relationships\["o/a"\]\.`;

  expect(problemsOf(text)).toEqual(
    [
      String.raw`consumers\[0\]\.repo: expected a repository like "owner/name"`,
      String.raw`consumers\[1\]\.relationship_type: .*"api_consumer"`,
      String.raw`consumers\[2\]\.urgency_mapping.*: `,
      String.raw`consumers\[3\]\.urgency_mapping\.endpoints: .*"critical"`,
      String.raw`consumers\[4\]\.change_triggers\[0\]: .*"api_contract"`,
      String.raw`derivatives\[0\]\.sync_strategy: .*"selective"`,
    ].map((rest) => expect.stringMatching(new RegExp(`^${place}${rest}`))),
  );
});

test("a pair that is listed twice, or depends on itself, is refused", () => {
  const text = JSON.stringify({
    relationships: { "o/a": { consumers: [{ repo: "o/b" }, { repo: "o/b" }, { repo: "o/a" }] } },
  });

  expect(problemsOf(text)).toEqual([
    "o/a -> o/b (api_consumer) is listed twice",
    "o/a depends on itself",
  ]);
});

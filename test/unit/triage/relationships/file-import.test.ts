import { expect, test } from "vitest";
import {
  parseRelationshipsFile,
  RelationshipsFileError,
} from "../../../../src/triage/relationships/file-import.ts";

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

test("a template that is named by an object says how the derivative depends on it", () => {
  const parent = { description: "made from it", shared_concerns: ["docker"], reviewed: false };
  const { repositories, relationships } = parse({
    "o/fork": {
      bidirectional: false,
      parent_template: { repo: "o/template", relationship_type: "template_fork", ...parent },
    },
  });

  expect(relationships).toEqual([
    {
      sourceRepo: "o/template",
      targetRepo: "o/fork",
      relationshipType: "template_fork",
      config: { ...parent, bidirectional: false },
    },
  ]);
  expect(repositories).toMatchObject([{ metadata: { parent_template: { ...parent } } }]);
});

test("a derivative that both sides tell of is one relationship", () => {
  const template = { "o/template": { derivatives: ["o/fork"] } };
  for (const parent_template of ["o/template", { repo: "O/Template", bidirectional: true }]) {
    const { relationships } = parse({ ...template, "o/fork": { parent_template } });

    expect(relationships).toMatchObject([{ sourceRepo: "o/template", config: {} }]);
  }
});

test.for([
  [{ default_urgency_thresholds: { huge: {} } }, "default_urgency_thresholds.huge: "],
  [
    { default_urgency_thresholds: { high: { action: "call" } } },
    "default_urgency_thresholds.high.action: ",
  ],
  [
    { default_urgency_thresholds: { low: { labels: ["a,b"] } } },
    "default_urgency_thresholds.low.labels[0]: ",
  ],
  [
    { default_urgency_thresholds: { low: { labels: Array(11).fill("x") } } },
    "default_urgency_thresholds.low.labels: ",
  ],
  [
    { default_urgency_thresholds: { low: { notify_webhook: "yes" } } },
    "default_urgency_thresholds.low.notify_webhook: ",
  ],
  [{ default_urgency_thresholds: [] }, "default_urgency_thresholds: "],
  [{ digest_schedule: 7 }, "digest_schedule: "],
  ["weekly", " "],
] as const)("settings %j are refused with their place", ([settings, place]) => {
  const text = JSON.stringify({ relationships: {}, notification_settings: settings });

  expect(problemsOf(text)).toEqual([
    expect.stringContaining(`notification_settings${place === " " ? ": " : `.${place}`}`),
  ]);
});

test.for([
  ['{"relationships": {"o/a": {}, "o/b": {}, "o/a": {}}}', 'relationships["o/a"]'],
  [
    '{"relationships": {"o/a": {"consumers": [{}, {"repo": "o/b", "x": "\\"", "repo": "o/c"}]}}}',
    'relationships["o/a"].consumers[1].repo',
  ],
  ['{"version": "1", "relationships": {}, "version": "2"}', "version"],
] as const)("a key that is there twice in %s is refused: JSON would drop one", ([text, place]) => {
  expect(problemsOf(text)).toEqual([`${place}: the key is there twice`]);
});

test("a repository has one address and one entry, however often it is named", () => {
  const text = JSON.stringify({
    relationships: {
      "o/a": {
        consumers: [{ repo: "o/b", clone_url: "file:///b" }],
        derivatives: [{ repo: "o/b", clone_url: "file:///elsewhere" }],
      },
    },
  });

  expect(problemsOf(text)).toEqual(["o/b has two different values of clone_url"]);
  expect(problemsOf('{"relationships": {"o/a": {}, "O/A": {}}}')).toEqual(["o/a has two entries"]);
});

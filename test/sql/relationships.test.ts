import { expect } from "vitest";
import { test } from "../support/connections.ts";
import { relate } from "../support/relationships.ts";
import { call, query, queryOne, refusal, setClock } from "../support/tasks.ts";

const CACHED = `insert into triaged.triage_results_cache (
    cache_key, source_repo, target_repo, commit_sha, relationship_type, analyzer_version,
    config_hash, requires_action, urgency, impact_summary, confidence, result_data, created_at,
    expires_at
  )
  values ($1, $2, $3, '1', 'api_consumer', '1', 'x', false, 'low', '', 1, '{}', now(),
    '2026-02-01T00:00:00Z')`;

test("a relationship registers its repositories and keeps its configuration", async ({ db }) => {
  const config = {
    interface_files: ["src/client.ts"],
    urgency_mapping: { api_contract: "high" },
    hosts: ["api.example.org"],
  };

  expect(await relate(db, "o/provider", "o/consumer", { config })).toBe("created");

  expect(
    await queryOne(
      db,
      "select source_repo, target_repo, relationship_config from triaged.relationships",
    ),
  ).toEqual({
    source_repo: "o/provider",
    target_repo: "o/consumer",
    relationship_config: { relationship_type: "api_consumer", ...config },
  });
  expect(
    await query(db, "select repo_name, repo_type from triaged.repositories order by 1"),
  ).toEqual([
    { repo_name: "o/consumer", repo_type: "consumer" },
    { repo_name: "o/provider", repo_type: "service_provider" },
  ]);
});

test("a relationship saved again is unchanged, another configuration takes its place", async ({
  db,
}) => {
  await setClock(db, "2026-01-01T00:00:00Z");
  await relate(db, "o/a", "o/b", { config: { hosts: ["a"], interface_files: ["x"] } });
  await setClock(db, "2026-01-02T00:00:00Z");

  expect(await relate(db, "o/a", "o/b", { config: { interface_files: ["x"], hosts: ["a"] } })).toBe(
    "unchanged",
  );
  const before = await queryOne(db, "select updated_at from triaged.relationships");
  expect(before).toEqual({ updated_at: new Date("2026-01-01T00:00:00Z") });

  expect(await relate(db, "o/a", "o/b", { config: { hosts: ["b"] } })).toBe("changed");
  expect(
    await queryOne(db, "select relationship_config, updated_at from triaged.relationships"),
  ).toEqual({
    relationship_config: { relationship_type: "api_consumer", hosts: ["b"] },
    updated_at: new Date("2026-01-02T00:00:00Z"),
  });
});

test("one pair may be related in both ways, and each goes by itself", async ({ db }) => {
  await relate(db, "o/a", "o/b");
  await relate(db, "o/a", "o/b", { type: "template_fork" });
  const remove = async (relationship_type: string | null) => {
    const pair = { source_repo: "o/a", target_repo: "o/b", relationship_type };
    return await call(db, "remove_relationship", pair);
  };

  expect(await remove("template_fork")).toEqual([{ remove_relationship: 1 }]);
  expect(await query(db, "select relationship_type from triaged.relationships")).toEqual([
    { relationship_type: "api_consumer" },
  ]);
  expect(await remove(null)).toEqual([{ remove_relationship: 1 }]);
  expect(await remove(null)).toEqual([{ remove_relationship: 0 }]);
});

test.for([
  ["saved for the first time", (db) => relate(db, "o/a", "o/b")],
  ["changed", (db) => relate(db, "o/b", "o/a", { config: { hosts: ["x"] } })],
  ["removed", (db) => call(db, "remove_relationship", { source_repo: "o/b", target_repo: "o/a" })],
] as const satisfies readonly [string, (db: Parameters<typeof relate>[0]) => Promise<unknown>][])(
  "cached verdicts on a pair expire when its relationship is %s",
  async ([, change], { db }) => {
    await relate(db, "o/b", "o/a");
    await setClock(db, "2026-01-01T00:00:00Z");
    for (const [key, source, target] of [
      ["there", "o/a", "o/b"],
      ["back", "o/b", "o/a"],
      ["other", "o/a", "o/c"],
    ]) {
      await db.query(CACHED, [key, source, target]);
    }
    await relate(db, "o/b", "o/a"); // Unchanged.
    const valid =
      "select cache_key from triaged.triage_results_cache where expires_at > $1 order by 1";
    expect(await query(db, valid, ["2026-01-01T00:00:00Z"])).toHaveLength(3);

    await change(db);

    expect(await query(db, valid, ["2026-01-01T00:00:00Z"])).toEqual([{ cache_key: "other" }]);
  },
);

test("a repository is changed by keys, and unchanged writes nothing", async ({ db }) => {
  const save = async (given: Record<string, unknown>) =>
    (
      await queryOne<{ outcome: string }>(
        db,
        "select triaged.save_repository('o/a', $1, $2) as outcome",
        [given["type"] ?? null, JSON.stringify(given["metadata"] ?? {})],
      )
    ).outcome;

  expect(await save({ metadata: { clone_url: "file:///srv/a", team: "x" } })).toBe("created");
  expect(await save({})).toBe("unchanged");
  expect(await save({ type: "library", metadata: { team: null } })).toBe("changed");
  expect(await queryOne(db, "select repo_type, metadata from triaged.repositories")).toEqual({
    repo_type: "library",
    metadata: { clone_url: "file:///srv/a" },
  });
});

test.for([
  "https://example.org/o/a.git",
  "ssh://git@example.org/o/a",
  "git@example.org:o/a.git",
  "file:///srv/git/a",
])("%s is a clone URL", async (url, { db }) => {
  await db.query("select triaged.save_repository('o/a', metadata => $1)", [{ clone_url: url }]);

  expect(await queryOne(db, "select metadata from triaged.repositories")).toEqual({
    metadata: { clone_url: url },
  });
});

test.for([
  ["https://user:secret@example.org/a", "clone_url holds a login"],
  ["https://token@example.org/a", "clone_url holds a login"],
  ["ext::sh -c id", "expected clone_url to be a URL of git"],
  ["--upload-pack=id", "expected clone_url to be a URL of git"],
  ["file:///a b", "expected clone_url to be a URL of git"],
] as const)("%s is refused as a clone URL", async ([url, message], { db }) => {
  const err = await refusal(db, () =>
    db.query("select triaged.save_repository('o/a', metadata => $1)", [{ clone_url: url }]),
  );

  expect(err).toMatchObject({ code: "22023" });
  expect(err.message).toContain(message);
  expect(err.message).not.toContain("secret");
});

test.for(["a", "", "a/", "/a", "a//b", "a/..", "./a", "a/b c", "a/b\n", "-a/b", "a/-b", "é/b"])(
  "%j is no name of a repository",
  async (name, { db }) => {
    const err = await refusal(db, () => relate(db, name, "o/b"));

    expect(err).toMatchObject({ code: "22023" });
    expect(err.message).toMatch(/^expected source_repo to be a repository like owner\/name, got "/);
  },
);

test.for([
  [{ change_triggers: ["api_contracts"] }, 'unknown trigger "api_contracts"'],
  [{ urgency_mapping: { ports: "high" } }, 'unknown trigger "ports"'],
  [{ urgency_mapping: { endpoints: "huge" } }, 'unknown urgency "huge"'],
  [{ interface_files: "src" }, "expected interface_files to be a list of texts"],
  [{ shared_concerns: [1] }, "expected shared_concerns to be a list of texts"],
  [{ urgency_mapping: [] }, "expected urgency_mapping to be an object"],
  [{ bidirectional: "yes" }, "expected bidirectional to be true or false"],
  [{ sync_strategy: "some" }, "expected sync_strategy to be selective, all or security_only"],
  [{ on_uncertain: "guess" }, "expected on_uncertain to be flag or ask"],
  [{ relationship_type: "template_fork" }, "relationship_type is api_consumer, and template_fork"],
] as const)("the configuration %j is refused", async ([config, message], { db }) => {
  const err = await refusal(db, () => relate(db, "o/a", "o/b", { config }));

  expect(err).toMatchObject({ code: "22023" });
  expect(err.message).toContain(message);
});

test("other mistakes of a relationship are named", async ({ db }) => {
  expect(await refusal(db, () => relate(db, "o/a", "o/a"))).toMatchObject({
    message: "expected two repositories, got o/a twice",
  });
  expect(await refusal(db, () => relate(db, "o/a", "o/b", { type: "fork" }))).toMatchObject({
    message: "expected relationship_type to be api_consumer or template_fork, got fork",
  });
  const large = { description: "x".repeat(70_000) };
  expect(await refusal(db, () => relate(db, "o/a", "o/b", { config: large }))).toMatchObject({
    code: "TR003",
  });
});

test("dependents are consumers, derivatives, and parents that take changes back", async ({
  db,
}) => {
  const type = "template_fork";
  await relate(db, "o/self", "o/consumer");
  await relate(db, "o/self", "o/fork", { type, config: { sync_strategy: "all" } });
  await relate(db, "o/template", "o/self", { type, config: { bidirectional: true } });
  await relate(db, "o/one-way", "o/self", { type });
  await relate(db, "o/used", "o/self", { config: { bidirectional: true } });
  await relate(db, "o/other", "o/consumer");
  for (const name of ["o/self", "o/template"]) {
    await db.query("select triaged.save_repository($1, metadata => $2)", [
      name,
      { clone_url: `file:///${name}` },
    ]);
  }

  expect(await call(db, "dependents_of", { source_repo: "o/self" })).toEqual([
    {
      role: "consumer",
      task_type: "consumer_triage",
      target_repo: "o/consumer",
      relationship_type: "api_consumer",
      relationship_config: {
        relationship_type: "api_consumer",
        source_clone_url: "file:///o/self",
      },
    },
    {
      role: "derivative",
      task_type: "template_triage",
      target_repo: "o/fork",
      relationship_type: type,
      relationship_config: {
        relationship_type: type,
        sync_strategy: "all",
        source_clone_url: "file:///o/self",
      },
    },
    {
      role: "parent",
      task_type: "template_triage",
      target_repo: "o/template",
      relationship_type: type,
      relationship_config: {
        relationship_type: type,
        bidirectional: true,
        direction: "reverse",
        source_clone_url: "file:///o/self",
        target_clone_url: "file:///o/template",
      },
    },
  ]);
});

test("a source in other upper and lower case has the dependents of the one that is meant", async ({
  db,
}) => {
  await relate(db, "Acme/Pay", "acme/shop");
  await relate(db, "acme/base", "acme/PAY-eu", {
    type: "template_fork",
    config: { bidirectional: true },
  });
  const dependents = async (source: string) =>
    await query(db, "select role, target_repo from triaged.dependents_of($1)", [source]);

  expect(await dependents("acme/pay")).toEqual([{ role: "consumer", target_repo: "acme/shop" }]);
  expect(await dependents("acme/pay-EU")).toEqual([{ role: "parent", target_repo: "acme/base" }]);
  await query(db, "select triaged.save_repository('acme/pay')");
  expect(await dependents("acme/pay")).toEqual([]);
  expect(await dependents("ACME/PAY")).toEqual([]);
});

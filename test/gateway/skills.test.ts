// Goal: an agent of the older system finds card, skills and answers as it knows them.

import { expect } from "vitest";
import type { Queryable } from "../../src/index.ts";
import { found, test, waitFor } from "../support/connections.ts";
import { keysOf, startGateway, type TestGateway } from "../support/gateway.ts";
import { changeEvent, childrenOf, relate } from "../support/relationships.ts";
import { claimTasks, outcomeOf, query, settle, startWorker } from "../support/tasks.ts";

const SKILLS = [
  "receive_change_notification",
  "get_impact_analysis",
  "get_dependencies",
  "get_orchestration_status",
  "trigger_consumer_triage",
  "trigger_template_triage",
  "add_dependency_relationship",
];

function execute(gateway: TestGateway, skill: string, input: object, key?: string) {
  return gateway.send("POST", "/a2a/execute", {
    json: { skill_name: skill, input_data: input },
    ...(key === undefined ? {} : { key }),
  });
}

test("the card, the health and the list of skills have the older system's shapes", async ({
  database,
}) => {
  await using gateway = await startGateway(database.url, { keys: keysOf(["read"]) });
  const version = expect.stringMatching(/^\d+\.\d+\.\d+/);

  const card = await gateway.send("GET", "/.well-known/agent.json");
  const health = await gateway.send("GET", "/a2a/health");
  const root = await gateway.send("GET", "/");
  const listed = async (category: string) =>
    (await gateway.send("GET", `/a2a/skills?category=${category}`, { key: "key-of-read" })).body;

  expect(card.body).toMatchObject({
    agent: {
      name: "dependency-orchestrator",
      version,
      capabilities: expect.arrayContaining(["impact_analysis"]),
    },
    endpoints: {
      execute_skill: "/a2a/execute",
      list_skills: "/a2a/skills",
      health: "/a2a/health",
    },
    authentication: { required: true, methods: ["api_key"], header: "X-API-Key" },
  });
  expect(card.body.skills.map(({ name }: { name: string }) => name)).toEqual(SKILLS);
  expect(card.body.skills[0]).toMatchObject({
    category: "event",
    is_async: true,
    requires_auth: false,
    input_schema: {
      type: "object",
      required: ["source_repo", "commit_sha", "commit_message", "branch"],
    },
    output_schema: { type: "object" },
  });
  expect(health.body).toEqual({
    status: "healthy",
    agent: "dependency-orchestrator",
    version,
    skills_registered: 7,
  });
  expect(root.body).toMatchObject({ status: "healthy", version, authentication_required: true });
  expect((await listed("query")).skills).toMatchObject([
    { name: "get_impact_analysis" },
    { name: "get_dependencies" },
    { name: "get_orchestration_status" },
  ]);
  expect((await listed("management")).skills).toEqual([]);
  expect(
    await gateway.send("GET", "/a2a/skills?category=magic", { key: "key-of-read" }),
  ).toMatchObject({ status: 400, body: { error: "invalid_request" } });
});

test("a skill needs a key, and the rights that it asks for", async ({ database }) => {
  await using gateway = await startGateway(database.url, { keys: keysOf(["read", "enqueue"]) });
  const input = {
    source_repo: "o/a",
    target_repo: "o/b",
    relationship_type: "api_consumer",
    relationship_config: {},
  };

  const without = await execute(gateway, "get_dependencies", { repo: "o/a" });
  const asReader = await execute(
    gateway,
    "receive_change_notification",
    changeEvent(),
    "key-of-read",
  );
  const asProducer = await execute(gateway, "add_dependency_relationship", input, "key-of-enqueue");

  expect(without.status).toBe(401);
  expect(without.headers.get("www-authenticate")).toBe("ApiKey");
  for (const refused of [asReader, asProducer]) {
    expect(refused).toMatchObject({ status: 403, body: { error: "role_missing" } });
  }
});

test("an unknown skill is not found, and what goes wrong in one is no success", async ({
  database,
}) => {
  await using gateway = await startGateway(database.url);

  expect(await execute(gateway, "fly", {})).toMatchObject({
    status: 404,
    body: { error: "unknown_skill" },
  });
  expect(await execute(gateway, "get_dependencies", {})).toMatchObject({
    status: 200,
    body: {
      success: false,
      data: null,
      error: expect.stringContaining("input_data.repo"),
      task_id: null,
    },
  });
  expect(
    await execute(gateway, "add_dependency_relationship", {
      source_repo: "no slash",
      target_repo: "o/b",
      relationship_type: "api_consumer",
      relationship_config: {},
    }),
  ).toMatchObject({ status: 200, body: { success: false, error: expect.stringMatching(/./) } });
});

test("relationships are added, and told of from both ends", async ({ url }) => {
  await using gateway = await startGateway(url);
  const add = (target: string, type: string, config: object) =>
    execute(gateway, "add_dependency_relationship", {
      source_repo: "acme/api",
      target_repo: target,
      relationship_type: type,
      relationship_config: config,
    });

  const added = await add("acme/shop", "api_consumer", { interface_files: ["src/api.ts"] });
  await add("acme/fork", "template_fork", {});
  const ofApi = await execute(gateway, "get_dependencies", { repo: "acme/api" });
  const ofShop = await execute(gateway, "get_dependencies", {
    repo: "acme/shop",
    include_metadata: true,
  });

  expect(added.body).toMatchObject({
    success: true,
    data: {
      status: "success",
      message: expect.stringContaining("created"),
      relationship: { repo: "acme/shop", interface_files: ["src/api.ts"] },
    },
  });
  expect(ofApi.body.data).toEqual({
    repo: "acme/api",
    consumers: [{ repo: "acme/shop" }],
    derivatives: [{ repo: "acme/fork" }],
    upstream_dependencies: [],
  });
  expect(ofShop.body.data).toMatchObject({
    consumers: [],
    upstream_dependencies: [
      {
        repo: "acme/api",
        relationship_type: "api_consumer",
        metadata: { interface_files: ["src/api.ts"] },
      },
    ],
  });
});

test("a change enqueues a triage for each dependent at once, and its handler finds these", async ({
  url,
  client,
}) => {
  await using gateway = await startGateway(url);
  await relate(client, "owner/provider", "owner/consumer");
  await relate(client, "owner/provider", "owner/fork", { type: "template_fork" });

  const first = await execute(gateway, "receive_change_notification", changeEvent());
  const again = await execute(gateway, "receive_change_notification", changeEvent());
  const nobody = await execute(
    gateway,
    "receive_change_notification",
    changeEvent({ source_repo: "owner/other" }),
  );

  expect(first.body).toMatchObject({
    success: true,
    data: {
      status: "accepted",
      source_repo: "owner/provider",
      consumers_scheduled: [{ repo: "owner/consumer", task_id: expect.stringMatching(/^\d+$/) }],
      derivatives_scheduled: [{ repo: "owner/fork", task_id: expect.stringMatching(/^\d+$/) }],
      total_dependents: 2,
    },
  });
  expect(again.body.data).toEqual(first.body.data);
  expect(nobody.body.data).toMatchObject({ status: "no_relationships", total_dependents: 0 });
  const [parent] = await query<{ task_id: string }>(
    client,
    "select task_id from triaged.tasks where task_type = 'change_notification' order by task_id",
  );
  expect(await childrenOf(client, parent?.task_id ?? "")).toMatchObject([
    { task_type: "consumer_triage", target: "owner/consumer" },
    { task_type: "template_triage", target: "owner/fork" },
  ]);
});

test("a triage by hand has a task whose status is told, in the older system's fields", async ({
  url,
  client,
}) => {
  await using gateway = await startGateway(url);
  await relate(client, "owner/provider", "owner/consumer");
  const input = { source_repo: "owner/provider", change_event: changeEvent() };

  const triggered = await execute(gateway, "trigger_consumer_triage", {
    ...input,
    consumer_repo: "owner/consumer",
  });
  const unknown = await execute(gateway, "trigger_template_triage", {
    template_repo: "owner/provider",
    derivative_repo: "owner/consumer",
    change_event: {},
  });
  const status = await execute(gateway, "get_orchestration_status", {
    task_id: triggered.body.task_id,
  });
  const missing = await execute(gateway, "get_orchestration_status", { task_id: "none" });

  expect(triggered.body).toMatchObject({ success: true, data: { status: "enqueued" } });
  expect(triggered.body.task_id).toBe(triggered.body.data.task_id);
  expect(unknown.body).toMatchObject({
    success: true,
    data: { status: "error", task_id: null },
    task_id: null,
  });
  expect(status.body.data).toMatchObject({
    task_id: triggered.body.task_id,
    status: "queued",
    skill_name: "trigger_consumer_triage",
    source_repo: "owner/provider",
    target_repo: "owner/consumer",
  });
  expect(missing.body.data).toEqual({
    task_id: "none",
    status: "not_found",
    error: "Task not found",
  });
});

test("an analysis goes before all else, and is waited for", async ({ url, client }) => {
  await using gateway = await startGateway(url);
  await relate(client, "owner/provider", "owner/consumer");
  const input = {
    source_repo: "owner/provider",
    target_repo: "owner/consumer",
    change_event: changeEvent(),
    relationship_type: "consumer",
  };
  const verdict = {
    requires_action: true,
    urgency: "high",
    impact_summary: "it breaks",
    affected_files: [],
    recommended_changes: "",
    confidence: 0.9,
    reasoning: "",
  };

  const asking = execute(gateway, "get_impact_analysis", input);
  await judge(client, "consumer_triage", verdict);

  expect((await asking).body).toMatchObject({ success: true, data: verdict });
  expect(await query(client, "select priority from triaged.tasks")).toEqual([{ priority: 0 }]);
  expect(
    await execute(gateway, "get_impact_analysis", { ...input, relationship_type: "template" }),
  ).toMatchObject({
    body: { success: true, data: { requires_action: false, urgency: "none", confidence: 0 } },
  });
});

/** Have a worker finish the one task that there will be. */
async function judge(client: Queryable, taskType: string, result: object): Promise<void> {
  const worker = await startWorker(client, { task_types: [taskType] });
  const task = await waitFor(async () => (await claimTasks(client, worker))[0]);
  await settle(client, [outcomeOf(found(task), "finish", { result })]);
}

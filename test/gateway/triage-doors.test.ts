// Goal: workflows and people of the older system post and read what they always did.

import { expect } from "vitest";
import { found, test, waitFor } from "../support/connections.ts";
import { startGateway } from "../support/gateway.ts";
import { changeEvent, relate } from "../support/relationships.ts";
import { claimTasks, outcomeOf, query, settle, startWorker } from "../support/tasks.ts";

test("relationships are shown in the shape of their file, all of them or those of one", async ({
  url,
  client,
}) => {
  await using gateway = await startGateway(url);
  await relate(client, "acme/api", "acme/shop", { config: { description: "calls it" } });
  await relate(client, "acme/api", "acme/fork", { type: "template_fork" });

  const all = await gateway.send("GET", "/api/relationships");
  const one = await gateway.send("GET", "/api/relationships/acme/api");
  const none = await gateway.send("GET", "/api/relationships/acme/nothing");

  expect(all.body.relationships).toEqual({ "acme/api": one.body });
  expect(one.body).toMatchObject({
    type: "service_provider",
    consumers: [{ repo: "acme/shop", relationship_type: "api_consumer", description: "calls it" }],
    derivatives: [{ repo: "acme/fork", relationship_type: "template_fork" }],
  });
  expect(none).toMatchObject({ status: 404, body: { error: "unknown_repository" } });
});

test("a workflow posts a change, and is told who gets a triage", async ({ url, client }) => {
  await using gateway = await startGateway(url);
  await relate(client, "your-org/your-repo", "your-org/consumer");
  const body =
    '{"source_repo":"your-org/your-repo","commit_sha":"test","commit_message":"test","branch":"main","changed_files":[],"pattern_summary":{"keywords":[],"patterns":[]},"timestamp":"2025-12-04T00:00:00Z"}';
  const post = (text: string) =>
    gateway.send("POST", "/api/webhook/change-notification", {
      body: text,
      headers: { "Content-Type": "application/json" },
    });

  const answer = await post(body);
  const [task] = await query(
    client,
    "select payload -> 'change_event' as event from triaged.tasks where task_type = 'consumer_triage'",
  );

  expect(answer).toMatchObject({
    status: 200,
    body: {
      status: "accepted",
      source_repo: "your-org/your-repo",
      consumers_scheduled: [{ repo: "your-org/consumer", task_id: expect.any(String) }],
      derivatives_scheduled: [],
      total_dependents: 1,
    },
  });
  expect(task?.["event"]).toEqual(JSON.parse(body));
  expect((await post(body)).body).toEqual(answer.body);
  expect(await post('{"source_repo":"your-org/your-repo"}')).toMatchObject({
    status: 422,
    body: { issues: [{ field: "body.commit_sha" }, {}, {}] },
  });
  expect((await post(JSON.stringify(changeEvent({ source_repo: "no slash" })))).status).toBe(422);
  expect(await query(client, "select from triaged.tasks")).toHaveLength(2);
});

test.for([
  ["consumer", "source_repo", "consumer_repo", "api_consumer"],
  ["template", "template_repo", "derivative_repo", "template_fork"],
] as const)(
  "a %s triage is tried out, and answered with its verdict",
  async ([type, sourceKey, targetKey, relationship], { url, client }) => {
    await using gateway = await startGateway(url);
    await relate(client, "o/s", "o/t", { type: relationship });
    const verdict = {
      requires_action: false,
      urgency: "low",
      impact_summary: "",
      affected_files: [],
      recommended_changes: "",
      confidence: 0.9,
      reasoning: "",
    };
    const door = `/api/test/${type}-triage`;

    const asking = gateway.send("POST", `${door}?${sourceKey}=o/s&${targetKey}=o/t`, {
      json: changeEvent(),
    });
    const worker = await startWorker(client, { task_types: [`${type}_triage`] });
    const task = found(await waitFor(async () => (await claimTasks(client, worker))[0]));
    await settle(client, [outcomeOf(task, "finish", { result: verdict })]);

    expect(await asking).toMatchObject({ status: 200, body: verdict });
    expect(
      await gateway.send("POST", door, {
        json: { [sourceKey]: "o/t", [targetKey]: "o/s", test_changes: changeEvent() },
      }),
    ).toMatchObject({ status: 404, body: { error: "unknown_relationship" } });
    expect((await gateway.send("POST", door, { json: {} })).status).toBe(422);
  },
);

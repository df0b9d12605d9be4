// Goal: the public client of A2A works against the gateway as it is, streaming included.

import { ListTasksRequest, SendMessageRequest, TaskState } from "@a2a-js/sdk";
import { ClientFactory } from "@a2a-js/sdk/client";
import { LegacyJsonRpcTransport } from "@a2a-js/sdk/compat/v0_3/client";
import { TaskNotCancelableError, TaskNotFoundError } from "@a2a-js/sdk/errors";
import { expect } from "vitest";
import type { Queryable } from "../../src/index.ts";
import { found, test, waitFor } from "../support/connections.ts";
import { startGateway } from "../support/gateway.ts";
import { claimTasks, outcomeOf, settle, startWorker } from "../support/tasks.ts";

const ofMessage = (text: string) =>
  SendMessageRequest.fromJSON({
    message: {
      messageId: `m ${text}`,
      role: "ROLE_USER",
      parts: [{ text }],
      metadata: { task_type: "greet" },
    },
  });

async function work(
  client: Queryable,
  outcome: string,
  more: Record<string, unknown>,
): Promise<void> {
  const worker = await startWorker(client, { task_types: ["greet"] });
  const task = found(await waitFor(async () => (await claimTasks(client, worker))[0]));
  await settle(client, [outcomeOf(task, outcome, more)]);
}

test("an agent sends a message, follows its task, and has its result", async ({ url, client }) => {
  await using gateway = await startGateway(url);
  const agent = await new ClientFactory().createFromUrl(gateway.url);
  const states: (TaskState | undefined)[] = [];
  const artifacts: unknown[] = [];
  let worked: Promise<void> | undefined;

  for await (const { payload } of agent.sendMessageStream(ofMessage("stream"))) {
    worked ??= work(client, "finish", { result: { hello: "world" } });
    if (payload?.$case === "task" || payload?.$case === "statusUpdate") {
      states.push(payload.value.status?.state);
    }
    if (payload?.$case === "artifactUpdate") {
      artifacts.push(payload.value.artifact?.parts[0]?.content);
    }
  }
  await worked;

  expect(states).toEqual([
    TaskState.TASK_STATE_SUBMITTED,
    TaskState.TASK_STATE_WORKING,
    TaskState.TASK_STATE_COMPLETED,
  ]);
  expect(artifacts).toEqual([{ $case: "data", value: { hello: "world" } }]);
});

test("the client waits for an answer, asks, lists, cancels, and is told what is not there", async ({
  url,
  client,
}) => {
  await using gateway = await startGateway(url);
  const agent = await new ClientFactory().createFromUrl(gateway.url);
  const sending = agent.sendMessage(ofMessage("wait"));
  await work(client, "ask", { prompt: "in which language?" });
  const asked = await sending;
  if (!("id" in asked)) throw new Error("expected a task, got a message");

  const seen = await agent.getTask({ tenant: "", id: asked.id });
  const listed = await agent.listTasks(ListTasksRequest.fromJSON({ contextId: asked.contextId }));
  const cancelled = await agent.cancelTask({ tenant: "", id: asked.id, metadata: undefined });

  expect(asked.status).toMatchObject({
    state: TaskState.TASK_STATE_INPUT_REQUIRED,
    message: { parts: [{ content: { $case: "text", value: "in which language?" } }] },
  });
  expect(seen.id).toBe(asked.id);
  expect(listed.tasks.map(({ id }) => id)).toEqual([asked.id]);
  expect(cancelled.status?.state).toBe(TaskState.TASK_STATE_CANCELED);
  await expect(agent.getTask({ tenant: "", id: "4711" })).rejects.toBeInstanceOf(TaskNotFoundError);
  await expect(
    agent.cancelTask({ tenant: "", id: asked.id, metadata: undefined }),
  ).rejects.toBeInstanceOf(TaskNotCancelableError);
});

test("a client of A2A 0.3 finds itself in the same card, and streams as well", async ({
  url,
  client,
}) => {
  await using gateway = await startGateway(url);
  const transport = new LegacyJsonRpcTransport({ endpoint: `${gateway.url}/rpc` });
  const states: (TaskState | undefined)[] = [];
  let worked: Promise<void> | undefined;

  for await (const { payload } of transport.sendMessageStream(ofMessage("older"))) {
    worked ??= work(client, "fail", { error: "no greeting" });
    if (payload?.$case === "task" || payload?.$case === "statusUpdate") {
      states.push(payload.value.status?.state);
    }
  }
  await worked;

  expect(states).toEqual([
    TaskState.TASK_STATE_SUBMITTED,
    TaskState.TASK_STATE_WORKING,
    TaskState.TASK_STATE_FAILED,
  ]);
});

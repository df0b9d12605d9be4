// Goal: the commit before is found once for all dependents, and never at their expense.

import { pino } from "pino";
import { expect } from "vitest";
import { findBase } from "../../../../src/triage/notification/fan-out.ts";
import { changeEvent } from "../../../../src/triage/sources/event/change-event.ts";
import { test as base } from "../../../support/repository.ts";

type Found = { readonly base: string | null; readonly log: readonly string[] };

type Options = { readonly signal?: AbortSignal; readonly limitMs?: number };

const test = base.extend<{
  find: (event: object, cloneUrl?: string, given?: Options) => Promise<Found>;
}>({
  find: async ({ config: repositories, signal }, use) => {
    await use(async (event, cloneUrl, given = {}) => {
      const lines: string[] = [];
      const logger = pino({}, { write: (line: string) => void lines.push(JSON.parse(line).msg) });
      const parsed = changeEvent.parse({
        source_repo: "acme/provider",
        commit_message: "change",
        branch: "main",
        ...event,
      });
      const dependent = {
        role: "consumer" as const,
        task_type: "consumer_triage",
        target_repo: "acme/consumer",
        relationship_type: "api_consumer",
        relationship_config: cloneUrl === undefined ? {} : { source_clone_url: cloneUrl },
      };
      const options = { repositories, signal, logger, ...given };
      return { base: await findBase(parsed, [dependent], options), log: lines };
    });
  },
});

test("the first parent is the base, and a push's own base comes first", async ({
  repository,
  find,
}) => {
  const first = await repository.commit({ a: "1\n" });
  const second = await repository.commit({ a: "2\n" });
  const third = await repository.commit({ a: "3\n" });

  expect(await find({ commit_sha: third })).toEqual({ base: second, log: [] });
  expect(await find({ commit_sha: third, base_sha: first.slice(0, 8) })).toEqual({
    base: first,
    log: [],
  });
});

test("a first commit has none", async ({ repository, find }) => {
  const head = await repository.commit({ a: "1\n" });

  expect(await find({ commit_sha: head })).toEqual({ base: null, log: [] });
});

test.for([
  ["a name that is no commit", { commit_sha: "v1.0.0" }],
  ["a package", { commit_sha: "0a1b2c3", package: { name: "p", from: "1.0.0", to: "2.0.0" } }],
] as const)("%s is not looked up", async ([, event], { find }) => {
  expect(await find(event, "file:///nowhere")).toEqual({ base: null, log: [] });
});

test("a repository that cannot be had is logged, and the event is believed", async ({ find }) => {
  const event = { commit_sha: "a".repeat(40), base_sha: "b".repeat(40) };

  expect(await find(event, "https://127.0.0.1:1/acme/provider")).toEqual({
    base: "b".repeat(40),
    log: ["source repository not read"],
  });
});

test("a repository that takes too long is done without", async ({ repository, find }) => {
  const head = await repository.commit({ a: "1\n" });

  expect(await find({ commit_sha: head }, repository.url, { limitMs: 1 })).toEqual({
    base: null,
    log: ["source repository not read"],
  });
});

test("a cancel ends it with its reason", async ({ repository, find }) => {
  const reason = new Error("cancel requested");
  const head = await repository.commit({ a: "1\n" });

  await expect(
    find({ commit_sha: head }, repository.url, { signal: AbortSignal.abort(reason) }),
  ).rejects.toBe(reason);
});

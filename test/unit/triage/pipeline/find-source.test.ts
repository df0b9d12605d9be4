// Goal: a repository or a commit that cannot be had has a clear answer, and is no "no action".

import { describe, expect } from "vitest";
import { CALLER, changeService, test } from "../../../support/consumer-triage.ts";

const DIFFS = [
  { path: "Dockerfile", change_type: "M", diff: "-EXPOSE 8080\n+EXPOSE 9090" },
  { path: "src/server.ts", change_type: "M", diff: "-app.listen(8080);\n+app.listen(9090);" },
];

describe("a repository that cannot be had", () => {
  test.for([
    ["that does not exist", "file:///nowhere/at/all", /^there is no repository acme\/provider: /],
    ["that is refused", "ftp://host/provider", /^cannot clone "acme\/provider": /],
  ] as const)("%s fails for good without diffs", async ([, url, said], { triage }) => {
    const config = { source_clone_url: url };

    await expect(triage("a".repeat(40), { config })).rejects.toMatchObject({
      name: "PermanentError",
      message: expect.stringMatching(said),
    });
  });

  test("that does not answer is tried again without diffs", async ({ triage }) => {
    // Nobody listens at port 1.
    const config = { source_clone_url: "https://127.0.0.1:1/acme/provider" };

    await expect(triage("a".repeat(40), { config })).rejects.toMatchObject({
      name: "RetryableError",
      message: expect.stringMatching(/^acme\/provider cannot be reached: /),
    });
  });

  test("is stood in for by the diffs of the event, which is said", async ({ consumer, triage }) => {
    await consumer.commit(CALLER);
    const config = {
      source_clone_url: "https://127.0.0.1:1/acme/provider",
      target_clone_url: consumer.url,
    };

    const result = await triage("a".repeat(40), { config, event: { changed_files: DIFFS } });

    expect(result).toMatchObject({
      requires_action: true,
      affected_files: ["src/orders.ts"],
      evidence: {
        mode: "payload",
        source: { base_sha: "", head_sha: "a".repeat(40) },
        degraded: ["the diffs of the event stand for the repository: it cannot be read now"],
      },
    });
  });

  test("or a commit that is not in it, gives the same bytes in two runs", async ({
    repository,
    consumer,
    triage,
  }) => {
    await repository.commit({ a: "1\n" });
    await consumer.commit(CALLER);
    const config = { target_clone_url: consumer.url };
    const run = async () =>
      await triage("a".repeat(40), { config, event: { changed_files: DIFFS } });

    const [first, second] = [await run(), await run()];

    expect(first.evidence.degraded).toEqual([
      `the diffs of the event stand for the repository: acme/provider has no commit "${"a".repeat(40)}"`,
    ]);
    expect({ ...second, duration_ms: 0 }).toEqual({ ...first, duration_ms: 0 });
  });

  test("is not stood in for by files without diffs", async ({ triage }) => {
    const changed_files = [{ path: "Dockerfile", change_type: "M" }];

    await expect(triage("a".repeat(40), { event: { changed_files } })).rejects.toMatchObject({
      name: "PermanentError",
    });
  });

  test("of the consumer fails the task, with what to do", async ({ repository, triage }) => {
    const { head } = await changeService(repository);

    await expect(triage(head)).rejects.toMatchObject({
      name: "PermanentError",
      message: expect.stringMatching(/^there is no repository acme\/consumer: .*; hint: /),
    });
  });
});

test.for([
  ["head", {}],
  ["base", { base_sha: "b".repeat(40) }],
] as const)(
  "a %s that is not in the repository fails for good",
  async ([side, event], { repository, consumer, triage }) => {
    const { head } = await changeService(repository);
    await consumer.commit(CALLER);
    const sha = side === "head" ? "b".repeat(40) : head;

    await expect(triage(sha, { event })).rejects.toMatchObject({
      name: "PermanentError",
      message: expect.stringMatching(/^acme\/provider has no commit "b+"$/),
    });
  },
);

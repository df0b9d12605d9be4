// Goal: whose word a URL is decides how far it leads, in the handler as well.

import { expect } from "vitest";
import { sourceRepository } from "../../../../../src/triage/sources/git/remote.ts";
import { changeService, test } from "../../../../support/consumer-triage.ts";

test.for([
  [{ registered: null, told: "https://git.example.org/a" }, true],
  [{ registered: "https://git.example.org/a", told: null }, undefined],
  [{ registered: "file:///srv/a", told: "https://git.example.org/a" }, undefined],
  [{ registered: undefined, told: undefined }, undefined],
] as const)("of %j the word is an event's: %s", ([urls, isFromEvent]) => {
  expect(sourceRepository("acme/provider", urls).isFromEvent).toBe(isFromEvent);
});

test.for([
  "https://169.254.169.254/latest",
  "https://localhost/a",
  "file:///etc",
  "ssh://git@host/a",
])(
  "a triage of an event that names %s fails, with what to do",
  async (url, { repository, consumer, triage }) => {
    const { head } = await changeService(repository);
    await consumer.commit({ a: "1" });

    await expect(triage(head, { event: { repo_url: url } })).rejects.toMatchObject({
      name: "PermanentError",
      message: expect.stringMatching(/hint: register where it is .*--source-url URL/),
    });
  },
);

test("the registered address counts, whatever the event names", async ({
  repository,
  consumer,
  triage,
}) => {
  const { head } = await changeService(repository);
  await consumer.commit({ a: "1" });

  const result = await triage(head, {
    event: { repo_url: "https://169.254.169.254/latest" },
    config: { source_clone_url: repository.url },
  });

  expect(result.evidence.mode).toBe("git");
});

import { expect, test } from "vitest";
import { changeNotification } from "../../../../../src/triage/notification/change-notification.ts";
import { consumerTriagePayload } from "../../../../../src/triage/pipeline/consumer-payload.ts";
import { templateTriagePayload } from "../../../../../src/triage/template/payload.ts";

const EVENT = { source_repo: "a/b", commit_sha: "c", commit_message: "m", branch: "main" };

function issuesOf(event: object): string[] {
  return (changeNotification.safeParse({ ...EVENT, ...event }).error?.issues ?? []).map(
    ({ path, message }) => `${path.join(".")}: ${message}`,
  );
}

test("a word of 900,000 digits and an x says that a file was modified", () => {
  const change_type = `${"1".repeat(900_000)}x`;
  const parsed = changeNotification.parse({
    ...EVENT,
    changed_files: [{ path: "a", change_type }],
  });

  expect(parsed.event.changed_files.map((file) => file.change_type)).toEqual(["modified"]);
});

test("a list of 500,000 things that are no files is refused behind the first of them", () => {
  const issues = issuesOf({ changed_files: Array.from({ length: 500_000 }, () => 1) });

  expect(issues).toHaveLength(10);
  expect(issues[0]).toMatch(/^changed_files\.0: /);
});

test.for([
  ["source_repo", "a"],
  ["commit_sha", "0"],
  ["branch", " "],
  ["base_sha", "0"],
  ["repo_url", "https://"],
] as const)("a long %s is refused", ([key, unit]) => {
  expect(issuesOf({ [key]: unit.repeat(100_000) })).toEqual([expect.stringMatching(`^${key}: `)]);
});

test("a long path is refused", () => {
  const issues = issuesOf({ changed_files: ["a/".repeat(3_000)] });

  expect(issues).toEqual([expect.stringMatching(/^changed_files\.0: /)]);
});

test("a long message is cut as that of a commit is", () => {
  const parsed = changeNotification.parse({ ...EVENT, commit_message: "m".repeat(900_000) });

  expect(parsed.event.commit_message).toHaveLength(20_000);
});

test.for([
  ["change_notification", changeNotification],
  ["consumer_triage", consumerTriagePayload],
  ["template_triage", templateTriagePayload],
] as const)("objects in objects are refused by %s", ([, schema]) => {
  let pattern_summary: object = {};
  for (let depth = 0; depth < 9_000; depth++) pattern_summary = { a: pattern_summary };
  const event = { ...EVENT, pattern_summary };
  const parsed = schema.safeParse({ source_repo: "a/b", target_repo: "c/d", change_event: event });

  expect(parsed.error?.issues.map(({ message }) => message)).toEqual([
    "expected at most 64 objects and lists within each other",
  ]);
});

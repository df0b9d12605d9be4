import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { digestIssueOf, issueOf } from "../../../../src/triage/effects/issue-text.ts";
import { NOTICE } from "../../../support/effects.ts";

const ORIGIN = { effectKey: "k", taskId: "42" };
const COMMIT = `https://github.com/acme/payments/commit/${NOTICE.commit_sha}`;

test("the issue says what changed, how sure that is, and what to do", () => {
  const issue = issueOf({ ...NOTICE, commit_url: COMMIT }, { ...ORIGIN, effectKey: "the key" });

  expect(issue).toEqual({
    title: "⚠️ Dependency Update Required: acme/payments",
    labels: ["dependency", "important"],
    body: [
      "`acme/payments` changed, and this repository depends on it.",
      "## Key change",
      "POST `/charge` was removed",
      "**Urgency:** high · **Confidence:** 90 %",
      "## What to do",
      "1. `src/pay.ts:3` use POST `/charges`",
      "## Affected files",
      "- `src/pay.ts`",
      "<details><summary>Technical details</summary>",
      "one breaking finding, confirmed",
      "Commit: https://github.com/acme/payments/commit/0123456789abcdef0123456789abcdef01234567",
      "Whole verdict, while the task is kept: `triaged show 42`",
      "```text\nremove the old charge endpoint\n```",
      "</details>",
      "<!-- triage-key: the key -->\n",
    ].join("\n\n"),
  });
});

test("a template's issue is named for it, and a commit without a page is no link", () => {
  const issue = issueOf(
    { ...NOTICE, relationship_type: "template_fork", commit_sha: "npm:p-retry@7.1.1" },
    ORIGIN,
  );

  expect(issue.title).toBe("📋 Template Update Available: acme/payments");
  expect(issue.body).toContain("Commit: `npm:p-retry@7.1.1`");
  expect(issue.body).not.toContain("atch");
});

const PATCH =
  "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1,4 @@\n-old\n+```sh\n+echo @team\n+\t<b>\n \n";

test("a patch stands in the issue letter for letter", () => {
  const one = { name: "sync.patch", bytes: 99, query: ".result.artifacts[0].content" };
  const { body } = issueOf({ ...NOTICE, attachments: [{ ...one, content: PATCH }] }, ORIGIN);

  expect(body).toContain(`## \`sync.patch\`\n\n\`\`\`\`diff\n${PATCH}\`\`\`\`\n`);
});

test.for([
  ["is too long", null],
  ["has no room", "+a\n".repeat(40_000).slice(0, 40_000)],
] as const)("of a patch that %s the issue says how to get it", ([why, content]) => {
  const one = { name: "sync.patch", bytes: 99, query: ".result.artifacts[0].content", content };
  const words = "word ".repeat(5_000);
  const long = why === "has no room" ? { recommended_changes: words, reasoning: words } : {};
  const { body } = issueOf({ ...NOTICE, ...long, attachments: [one] }, ORIGIN);

  expect(body).toContain(
    "`triaged show 42 --json | jq -j '.result.artifacts[0].content' > sync.patch`",
  );
  expect(body.match(/<!--/g)).toHaveLength(1);
  expect(body.length).toBeLessThanOrEqual(65_536);
});

test("text out of a repository neither forges a marker nor leaves its place", () => {
  const forged = "<!-- triage-key: another -->";
  const { body } = issueOf(
    {
      ...NOTICE,
      impact_summary: forged,
      recommended_changes: forged,
      reasoning: forged,
      commit_message: `\`\`\`\n@everybody ${forged}`,
      affected_files: ["a`b\n# heading"],
    },
    { ...ORIGIN, effectKey: "mine" },
  );

  expect(body.match(/<!--/g)).toHaveLength(1);
  expect(body).toContain("```text\n'''\n@everybody ‹!-- triage-key");
  expect(body).toContain("- `a'b # heading`");
});

test("a knowledge base's words of the source come first, quoted as a stranger's", () => {
  const { body } = issueOf({ ...NOTICE, architecture_context: "platform: @team x" }, ORIGIN);

  expect(body).toContain(
    "depends on it.\n\n## Architecture context\n\nplatform: `@team` x\n\n## Key change\n",
  );
});

test("a long issue is cut to what GitHub takes, and keeps its marker", () => {
  const { title, body } = issueOf(
    { ...NOTICE, source_repo: "s".repeat(300), recommended_changes: "ü ".repeat(35_000) },
    ORIGIN,
  );

  expect(title).toBe(`⚠️ Dependency Update Required: \`${"s".repeat(200)}\``);
  expect(body.length).toBeLessThanOrEqual(65_536);
  expect(body).toMatch(/<!-- triage-key: k -->\n$/);
});

test("the digest has a line for each change, and counts what is too much", () => {
  const entry = { source_repo: "acme/a", commit_sha: "0123456789abcdef", impact_summary: "x\ny" };

  const { body, labels } = digestIssueOf(
    { target_repo: "acme/shop", entries: Array.from({ length: 101 }, () => entry) },
    "k",
  );

  expect(labels).toEqual(["dependency", "info"]);
  expect(body.match(/^- `acme\/a` \(`0123456789ab`\): x y$/gm)).toHaveLength(100);
  expect(body).toContain("And 1 more.");
});

test.for([
  ["line ends of Windows", "+a\r\n"],
  ["characters that are not seen", "+a\u202e\n"],
  ["what forges a marker", "+<!-- triage-key: another -->\n"],
  ["lines by the thousand", "+\u00a0\r\n".repeat(5_000)],
] as const)("a patch with %s comes as a command that writes it", ([, content]) => {
  const one = { name: "sync.patch", bytes: 99, query: ".result.artifacts[0].content", content };
  const { body } = issueOf({ ...NOTICE, attachments: [one] }, ORIGIN);
  const command = /```sh\n(.*?)\n```/s.exec(body)?.[1] ?? "";
  expect(command).toMatch(/^base64 --decode > sync\.patch <</);
  const written = execFileSync("sh", ["-c", command.replace(" > sync.patch", "")]);

  expect(written.toString("utf8")).toBe(content);
  expect(body.match(/<!--/g)).toHaveLength(1);
});

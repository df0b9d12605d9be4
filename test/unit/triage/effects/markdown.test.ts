// Whatever strangers write, an issue has the structure that we gave it, and what GitHub would make
// of the text beyond Markdown (mentions, references) finds nothing.
import * as fc from "fast-check";
import type { Nodes, Root } from "mdast";
import { fromMarkdown } from "mdast-util-from-markdown";
import { gfmFromMarkdown } from "mdast-util-gfm";
import { gfm } from "micromark-extension-gfm";
import { expect, test } from "vitest";
import { digestIssueOf, issueOf } from "../../../../src/triage/effects/issue-text.ts";
import {
  codeSpan,
  markdownLine,
  markdownText,
  repositoryName,
} from "../../../../src/triage/effects/markdown.ts";
import { NOTICE_LIMITS, type Notice } from "../../../../src/triage/effects/notice.ts";
import { NOTICE } from "../../../support/effects.ts";
import { EVERYTHING_HOSTILE, hiddenIn, hostileText } from "../../../support/hostile-text.ts";

const BODY_MAX = 65_536;
const ORIGIN = { effectKey: "k", taskId: "42", webUrl: "https://github.com" };

function parse(markdown: string): Root {
  return fromMarkdown(markdown, { extensions: [gfm()], mdastExtensions: [gfmFromMarkdown()] });
}

function* nodesOf(node: Nodes): Generator<Nodes> {
  yield node;
  for (const child of "children" in node ? node.children : []) yield* nodesOf(child);
}

/** The text of a block as a reader of the HTML has it, without what stands in code. */
function wordsOutOfCode(node: Nodes): string {
  if (node.type === "inlineCode" || node.type === "code") return "\u{fffc}";
  if (node.type === "text") return node.value;
  const between = node.type === "paragraph" || node.type === "heading" ? "" : "\n";
  return "children" in node ? node.children.map(wordsOutOfCode).join(between) : "";
}

/** What GitHub makes links, calls or pictures of in text that is no code. */
const LIVE = [
  /@/,
  /#\d/,
  /\bGH-\d/i,
  /[a-z]+-\d/i,
  /[0-9a-f]{7}/i,
  /:[\w+-]+:/,
  /\$/,
  /www\./i,
  /:\/\//,
  /[<>[\]|~*_]/,
];

const HARMLESS = ["root", "paragraph", "text", "inlineCode", "list", "listItem", "break"];

function expectHarmless(markdown: string): void {
  const root = parse(markdown);
  for (const node of nodesOf(root)) {
    const isTask = node.type === "listItem" && typeof node.checked === "boolean";
    expect(isTask ? "task" : node.type).toBeOneOf(HARMLESS);
  }
  for (const pattern of LIVE) expect(wordsOutOfCode(root)).not.toMatch(pattern);
  expect(hiddenIn(markdown)).toEqual([]);
  expect(markdown).not.toContain("<!--");
}

test("of hostile text nothing is left but paragraphs, lists, words and code", () => {
  fc.assert(
    fc.property(hostileText(), (text) => {
      for (const markdown of [
        markdownText(text, 5_000),
        markdownLine(text, 5_000),
        codeSpan(text),
      ]) {
        expectHarmless(markdown);
      }
      expect(markdownLine(text, 5_000) + codeSpan(text)).not.toContain("\n");
    }),
    { numRuns: 500 },
  );
  expectHarmless(markdownText(EVERYTHING_HOSTILE, 50_000));
});

test("numbers in a row open one list, not one in the other", () => {
  const depths = [...nodesOf(parse(markdownText("1. ".repeat(500), 5_000)))].filter(
    ({ type }) => type === "list",
  );

  expect(depths).toHaveLength(1);
});

test("a text that is cut is cut between its pieces", () => {
  fc.assert(
    fc.property(hostileText(), fc.integer({ min: 3, max: 80 }), (text, lengthMax) => {
      const markdown = markdownText(text, lengthMax);

      expect(markdown.length).toBeLessThanOrEqual(lengthMax);
      expectHarmless(markdown);
    }),
    { numRuns: 500 },
  );
});

test("nothing of a text is lost but blanks and backticks", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme-ascii", maxLength: 40 }), (text) => {
      const given = text.replaceAll("`", "");
      const shown = wordsWithCode(parse(markdownLine(given, 5_000)));

      expect(shown.replaceAll(" ", "")).toBe(given.replaceAll("<!--", "‹!--").replaceAll(" ", ""));
    }),
  );
});

function wordsWithCode(node: Nodes): string {
  if ("value" in node) return node.value;
  return "children" in node ? node.children.map(wordsWithCode).join("") : "";
}

const hostileNotice: fc.Arbitrary<Notice> = fc
  .record({
    target_repo: hostileText(),
    source_repo: hostileText(),
    relationship_type: fc.oneof(fc.constant("template_fork"), hostileText()),
    commit_sha: hostileText(),
    commit_message: hostileText(),
    urgency: hostileText(),
    impact_summary: hostileText(),
    recommended_changes: hostileText(),
    reasoning: hostileText(),
    architecture_context: hostileText(),
    affected_files: fc.array(hostileText(), { maxLength: 3 }),
  })
  .map((given) => ({ ...given, confidence: 0.5, labels: [] }));

/** The kinds of nodes in their order, without what text of any length is made of. */
function skeletonOf(markdown: string): string[] {
  return parse(markdown).children.map((node) =>
    node.type === "html" ? node.value : node.type === "list" ? "paragraph" : node.type,
  );
}

test("an issue of hostile parts has the headings, links and HTML of a friendly one", () => {
  fc.assert(
    fc.property(hostileNotice, (about) => {
      const { title, body } = issueOf(about, ORIGIN);
      const root = parse(body);
      const all = [...nodesOf(root)];

      expect(
        all.filter(({ type }) =>
          [
            "link",
            "image",
            "footnoteReference",
            "table",
            "delete",
            "emphasis",
            "blockquote",
            "thematicBreak",
            "definition",
          ].includes(type),
        ),
      ).toEqual([]);
      expect(
        all.filter(({ type }) => type === "html").map((node) => "value" in node && node.value),
      ).toEqual([
        "<details><summary>Technical details</summary>",
        "</details>",
        "<!-- triage-key: k -->",
      ]);
      expect(all.filter(({ type }) => type === "heading").map(wordsOutOfCode)).toEqual([
        ...(about.architecture_context === undefined ? [] : ["Architecture context"]),
        "Key change",
        "What to do",
        ...(about.affected_files.length === 0 ? [] : ["Affected files"]),
      ]);
      for (const node of root.children) {
        for (const pattern of LIVE) expect(wordsOutOfCode(node)).not.toMatch(pattern);
      }
      expect(hiddenIn(body)).toEqual([]);
      expect(body.match(/<!--/g)).toHaveLength(1);
      expect(body.length).toBeLessThanOrEqual(BODY_MAX);
      expectHarmless(title.replace(/^\P{L}*/u, ""));
      expect(title.length).toBeLessThanOrEqual(256);
    }),
    { numRuns: 200 },
  );
});

test("the link that we write leads to the commit, and nowhere else", () => {
  const commit_url = `https://github.com/acme/payments/commit/${NOTICE.commit_sha}`;
  expect(linksIn({ ...NOTICE, commit_url })).toEqual([commit_url]);
  expect(linksIn(NOTICE)).toEqual([]);
  expect(linksIn({ ...NOTICE, commit_url: null })).toEqual([]);
});

function linksIn(about: Notice): string[] {
  return [...nodesOf(parse(issueOf(about, ORIGIN).body))].flatMap((node) =>
    node.type === "link" ? [node.url] : [],
  );
}

test("a notice at all its limits fits into an issue, whatever its letters", () => {
  const { lineMax, summaryMax, changesMax, filesMax } = NOTICE_LIMITS;
  for (const letter of ["@", "`", "a", "ü", "\n", "@ ", "a` ", "<!--", "1. "]) {
    const filled = (length: number) => letter.repeat(length).slice(0, length);
    const { body, title } = issueOf(
      {
        target_repo: filled(lineMax),
        source_repo: filled(lineMax),
        relationship_type: "template_fork",
        commit_sha: filled(lineMax),
        commit_message: filled(lineMax),
        urgency: filled(lineMax),
        confidence: 1,
        impact_summary: filled(summaryMax),
        recommended_changes: filled(changesMax),
        reasoning: filled(summaryMax),
        architecture_context: filled(summaryMax),
        affected_files: Array.from({ length: filesMax }, () => filled(lineMax)),
        labels: [],
      },
      { ...ORIGIN, effectKey: "ü".repeat(200) },
    );

    expect(body.length).toBeLessThanOrEqual(BODY_MAX);
    expect(title.length).toBeLessThanOrEqual(256);
    expect(body).toMatch(/\n\n<\/details>\n\n<!-- triage-key: \S+ -->\n$/);
  }
});

test("a digest of hostile lines is a list of words and code, within the limit", () => {
  fc.assert(
    fc.property(fc.array(hostileText(), { minLength: 1, maxLength: 6 }), (texts) => {
      const { body } = digestIssueOf(
        {
          target_repo: "acme/shop",
          entries: texts.map((text) => ({
            source_repo: text,
            commit_sha: text,
            impact_summary: text,
          })),
        },
        "k",
      );

      expectHarmless(body.replace(/<!-- triage-key: k -->\n$/, ""));
      expect(skeletonOf(body)).toHaveLength(3);
    }),
    { numRuns: 100 },
  );
  const entry = {
    source_repo: "@ ".repeat(999),
    commit_sha: "@".repeat(99),
    impact_summary: "@ ".repeat(9_999),
  };
  const { body } = digestIssueOf(
    { target_repo: "acme/shop", entries: Array.from({ length: 200 }, () => entry) },
    "k",
  );
  expect(body.length).toBeLessThanOrEqual(BODY_MAX);
});

test("the key of an effect does not end the comment it stands in", () => {
  const { body } = issueOf(NOTICE, { ...ORIGIN, effectKey: "a --> @team <b>\n\nü" });

  expect([...nodesOf(parse(body))].filter(({ type }) => type === "html")).toHaveLength(3);
  expect(body).not.toContain("--> @team");
});

test.for([
  ["acme/payments", "acme/payments"],
  ["acme/www.evil.example", "acme/www.evil.example"],
  ["www.evil.example/a", "`www.evil.example/a`"],
  ["acme/__init__", "`acme/__init__`"],
  ["@acme/team", "`@acme/team`"],
  ["a`b", "`a'b`"],
  ["", ""],
] as const)("the repository %s is named %s", ([name, shown]) => {
  expect(repositoryName(name)).toBe(shown);
});

test("plain words stay words, and names in our backticks stay code", () => {
  expect(
    markdownText(
      "p-retry 6.2.1 → 7.1.1 breaks acme/shop: `Options.shouldRetry` changed (src/client.ts:15): don't use it.\n2. Next",
      500,
    ),
  ).toBe(
    "p-retry 6.2.1 → 7.1.1 breaks `acme/shop`: `Options.shouldRetry` changed (`src/client.ts:15`): don't use it.\n2. Next",
  );
});

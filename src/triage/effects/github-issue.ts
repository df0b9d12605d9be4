import { z } from "zod";
import {
  type ClaimedEffect,
  type DeliveryContext,
  type EffectDelivery,
  type EffectsConfig,
  type HttpRequest,
  parseEffectPayload,
  parseResponse,
  ServerUnavailableError,
  SkippedEffect,
} from "../../index.ts";

import { digestIssueOf, type Issue, issueOf, markerOf } from "./issue-text.ts";
import { markdownLine } from "./markdown.ts";
import { digestSchema, issueNoticeSchema } from "./notice.ts";

/** A hundred issues each. Who has more open ones with the label may get a second one. */
const PAGES_MAX = 10;
const PAGE_SIZE = 100;
/** Characters of Markdown; there are ten labels of 50 at most. */
const LABELS_MAX = 2_000;

const knownIssue = z.object({ html_url: z.string(), number: z.int(), body: z.string().nullish() });
type KnownIssue = z.output<typeof knownIssue>;

/**
 * An issue in the target's repository. Looked up by its marker before it is made: the process
 * that made it may have died before it could say so.
 */
export const githubIssueDelivery: EffectDelivery = {
  render(effect, config) {
    const { repo, issue } = issueFor(effect);
    return {
      to: `${config.github.apiUrl}/repos/${repo}/issues`,
      body: issue,
      text: `# ${issue.title}\n\nLabels: ${labelsOf(issue)}\n\n${issue.body}`,
    };
  },

  async deliver(effect, context) {
    if (context.config.github.token === null) {
      throw new SkippedEffect("GITHUB_TOKEN is not set");
    }
    const { repo, issue } = issueFor(effect);
    const known = await findIssue(repo, { marker: markerOf(effect.key), issue }, context);
    if (known === null) {
      return await createIssue(repo, issue, context);
    }
    if (context.isFirstTry) {
      // Not made by an earlier try: another installation told of the same change.
      await comment(repo, known, context);
    }
    return known.html_url;
  },
};

function labelsOf({ labels }: Issue): string {
  return markdownLine(labels.join(", "), LABELS_MAX);
}

function issueFor(effect: ClaimedEffect): { repo: string; issue: Issue } {
  if ("entries" in effect.payload) {
    const week = parseEffectPayload(digestSchema, effect.payload);
    return { repo: week.target_repo, issue: digestIssueOf(week, effect.key) };
  }
  const about = parseEffectPayload(issueNoticeSchema, effect.payload);
  const origin = { effectKey: effect.key, taskId: effect.taskId };
  return { repo: about.target_repo, issue: issueOf(about, origin) };
}

async function findIssue(
  repo: string,
  { marker, issue }: { marker: string; issue: Issue },
  { exchange, config }: DeliveryContext,
): Promise<KnownIssue | null> {
  const label = labelQuery(issue.labels);
  for (let page = 1; page <= PAGES_MAX; page += 1) {
    const query = `state=open${label}&per_page=${PAGE_SIZE}&page=${page}`;
    const answer = await exchange(
      requestTo(config, { method: "GET", path: `/repos/${repo}/issues?${query}` }),
    );
    const issues = parseResponse(z.array(knownIssue), answer);
    const known = issues.find(({ body }) => body?.includes(marker) === true);
    if (known !== undefined || issues.length < PAGE_SIZE) {
      return known ?? null;
    }
  }
  return null;
}

/** Of its labels one, by which fewer issues have to be looked through; a comma would part two. */
function labelQuery(labels: readonly string[]): string {
  const usable = labels.filter((one) => !one.includes(","));
  const label = usable.includes("dependency") ? "dependency" : usable[0];
  return label === undefined ? "" : `&labels=${encodeURIComponent(label)}`;
}

/** Resolves with its address; null where it was made, by an answer that cannot be read. */
async function createIssue(
  repo: string,
  issue: Issue,
  { exchange, config }: DeliveryContext,
): Promise<string | null> {
  const answer = await exchange(
    requestTo(config, { method: "POST", path: `/repos/${repo}/issues`, body: issue }),
  );
  if (answer.status !== 201) {
    throw new ServerUnavailableError(`expected 201 for a new issue, got ${answer.status}`);
  }
  try {
    return parseResponse(knownIssue, answer).html_url;
  } catch {
    return null;
  }
}

async function comment(
  repo: string,
  { number }: KnownIssue,
  { exchange, config }: DeliveryContext,
): Promise<void> {
  await exchange(
    requestTo(config, {
      method: "POST",
      path: `/repos/${repo}/issues/${number}/comments`,
      body: { body: "The same change was triaged again, with the same outcome." },
    }),
  );
}

function requestTo(
  { github }: EffectsConfig,
  { method, path, body }: { method: HttpRequest["method"]; path: string; body?: unknown },
): HttpRequest {
  return {
    method,
    url: github.apiUrl + path,
    headers: {
      authorization: `Bearer ${github.token}`,
      accept: "application/vnd.github+json",
      "x-github-api-version": "2022-11-28",
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    // The operator's own setting; the target only chooses the path.
    guarded: false,
  };
}

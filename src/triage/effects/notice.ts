import { z } from "zod";

/** Characters, and files. Three notices of this size are within the limits of one attempt. */
export const NOTICE_LIMITS = {
  lineMax: 300,
  summaryMax: 5_000,
  changesMax: 20_000,
  filesMax: 100,
  urlMax: 2_000,
  /** Of the text of one attachment, of which there are at most so many. */
  attachmentMax: 40_000,
  attachmentsMax: 5,
} as const;

const line = z.string().max(NOTICE_LIMITS.lineMax);
/** As GitHub allows them; they become part of an address. */
const repo = z.string().max(201).refine(isRepo, { error: "expected owner/name" });

function isRepo(text: string): boolean {
  const [owner = "", name = "", ...more] = text.split("/");
  return (
    more.length === 0 &&
    owner.length <= 100 &&
    name.length <= 100 &&
    /^[A-Za-z0-9][\w.-]*$/.test(owner) &&
    /^[\w.-]+$/.test(name) &&
    name !== "." &&
    name !== ".."
  );
}

export function isRepositoryName(name: string): boolean {
  return repo.safeParse(name).success;
}

/** What a verdict tells the people of the target: the payload of its effects. */
export const noticeSchema = z.object({
  target_repo: line,
  source_repo: line,
  relationship_type: line,
  commit_sha: line,
  commit_message: line,
  urgency: line,
  confidence: z.number(),
  impact_summary: z.string().max(NOTICE_LIMITS.summaryMax),
  recommended_changes: z.string().max(NOTICE_LIMITS.changesMax),
  reasoning: z.string().max(NOTICE_LIMITS.summaryMax),
  /** Of the knowledge base; absent where there is none. */
  architecture_context: z.string().max(NOTICE_LIMITS.summaryMax).optional(),
  affected_files: z.array(line).max(NOTICE_LIMITS.filesMax),
  labels: z.array(z.string().max(50)).max(10),
  /** The page of the commit; null or absent where nobody knows one. */
  commit_url: z
    .url({ protocol: /^https$/ })
    .max(NOTICE_LIMITS.urlMax)
    .nullish(),
  /** Texts that belong to an issue, such as a patch. */
  attachments: z
    .array(
      z.object({
        name: line,
        bytes: z.int(),
        /** Where it is in what `triaged show TASK --json` prints, in the words of jq. */
        query: line,
        /** Null: too long. */
        content: z.string().max(NOTICE_LIMITS.attachmentMax).nullable(),
      }),
    )
    .max(NOTICE_LIMITS.attachmentsMax)
    .optional(),
});
export type Notice = z.output<typeof noticeSchema>;

/** The same for an issue, of which the target is part of the address. */
export const issueNoticeSchema = noticeSchema.extend({ target_repo: repo });

/** What waited for the digest of one target; sql/functions/triage/gather-digest.sql makes it. */
export const digestSchema = z.object({
  target_repo: repo,
  entries: z.array(
    z.object({
      source_repo: z.string(),
      commit_sha: z.string(),
      impact_summary: z.string(),
    }),
  ),
  labels: z.array(z.string().max(50)).max(10).optional(),
  /** The digest_schedule by which it was made. @default weekly */
  schedule: z.string().optional(),
});
export type Digest = z.output<typeof digestSchema>;

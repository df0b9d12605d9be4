/**
 * `POST /api/webhook/github`: GitHub's own webhooks. What a push or a release says becomes the event
 * that `triaged notify` takes. The signature is the key: no other is asked for.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import {
  enqueueTask,
  FAILURES,
  type Gateway,
  type GatewayParts,
  Refusal,
  serializePayload,
} from "../../index.ts";

/** GitHub sends no longer body. */
const BODY_BYTES_MAX = 26_214_400;
/** GitHub can be told to send a delivery again for three days. */
const DELIVERY_HELD_MS = 3 * 86_400_000;
/** What history calls GitHub. */
const CALLER = { name: "github", role: "enqueue", requestsPerMinute: null } as const;
/** Of a push; the rest of its files, triage finds in the repository. */
const FILES_MAX = 3_000;

const Text = z.string().max(100_000);
const Repository = z.looseObject({
  full_name: z.string().min(1).max(200),
  default_branch: z.string().max(1_000).optional(),
});
const FileNames = z.array(z.string()).default([]);
const Commit = z.looseObject({
  added: FileNames,
  removed: FileNames,
  modified: FileNames,
});

const Push = z.looseObject({
  ref: z.string().min(1).max(1_000),
  before: z.string().max(100).nullish(),
  after: z.string().min(1).max(100),
  deleted: z.boolean().default(false),
  head_commit: z.looseObject({ message: Text, timestamp: z.string().nullish() }).nullish(),
  commits: z.array(Commit).default([]),
  repository: Repository,
});

const Release = z.looseObject({
  action: z.string(),
  release: z.looseObject({
    tag_name: z.string().min(1).max(1_000),
    target_commitish: z.string().max(1_000).nullish(),
    name: Text.nullish(),
    body: Text.nullish(),
    draft: z.boolean().default(false),
    published_at: z.string().nullish(),
  }),
  repository: Repository,
});

type ChangeEvent = Readonly<Record<string, unknown>> & { readonly source_repo: string };
/** The event, or why there is none. */
type Told = ChangeEvent | string;

const Received = z.strictObject({
  status: z.enum(["pong", "ignored", "accepted"]),
  message: z.string(),
  source_repo: z.string().nullable(),
  task_id: z.string().nullable(),
  outcome: z.enum(["created", "duplicate", "replaced"]).nullable(),
});
const ANSWERED = { source_repo: null, task_id: null, outcome: null };

type Parts = GatewayParts & {
  /** Null: nothing that comes is believed. */
  readonly secret: string | null;
};

export function githubRoute(app: Gateway, { queue, maxPayloadBytes, secret }: Parts): void {
  // Bodies without a single byte are not parsed, and so not verified.
  const verified = new WeakSet();
  app.post(
    "/api/webhook/github",
    {
      config: {
        role: "signed",
        verify: (request, body) => {
          checkSignature(request.headers["x-hub-signature-256"], body, secret);
          verified.add(request);
        },
      },
      bodyLimit: BODY_BYTES_MAX,
      preValidation: (request, _reply, done) => {
        if (!verified.has(request)) {
          checkSignature(request.headers["x-hub-signature-256"], Buffer.alloc(0), secret);
        }
        done();
      },
      schema: {
        summary: "A webhook of GitHub: a push or a release, signed with GITHUB_WEBHOOK_SECRET",
        tags: ["triage"],
        headers: z.looseObject({
          "x-github-event": z.string().min(1).max(100),
          "x-github-delivery": z.string().min(1).max(200),
        }),
        body: z.looseObject({}),
        response: { 200: Received, 202: Received, ...FAILURES },
      },
    },
    async (request, reply) => {
      const { "x-github-event": kind, "x-github-delivery": delivery } = request.headers;
      if (kind === "ping") {
        return reply.send({ status: "pong", message: "The signature is right.", ...ANSWERED });
      }
      const told = eventOf(kind, request.body);
      if (typeof told === "string") {
        return reply.send({ status: "ignored", message: told, ...ANSWERED });
      }
      const { source_repo: sourceRepo } = told;
      const payload = { source_repo: sourceRepo, change_event: told };
      const { taskId, outcome } = await queue.write(CALLER, (db) =>
        enqueueTask(db, {
          taskType: "change_notification",
          payload: serializePayload(payload, { maxBytes: maxPayloadBytes }),
          dedupeKey: `github delivery ${delivery}`,
          dedupeForMs: DELIVERY_HELD_MS,
        }),
      );
      return reply.code(202).send({
        status: "accepted",
        message:
          outcome === "created" ? "Told to its dependents." : "This delivery was here before.",
        source_repo: sourceRepo,
        task_id: taskId,
        outcome,
      });
    },
  );
}

/** Throws a Refusal unless GitHub has signed the body. Takes as long for each that is wrong. */
function checkSignature(given: unknown, body: Buffer, secret: string | null): void {
  if (secret === null) {
    throw new Refusal(403, "no_secret", "Without GITHUB_WEBHOOK_SECRET no webhook is believed.", {
      hint: "set it to the secret of the webhook, here and at GitHub",
    });
  }
  const right = Buffer.from(`sha256=${createHmac("sha256", secret).update(body).digest("hex")}`);
  const said = Buffer.from(typeof given === "string" ? given : "");
  if (said.length !== right.length || !timingSafeEqual(said, right)) {
    throw new Refusal(403, "wrong_signature", "X-Hub-Signature-256 does not sign this body.", {
      hint: "GITHUB_WEBHOOK_SECRET and the secret of the webhook at GitHub have to be the same",
    });
  }
}

function eventOf(kind: string, body: unknown): Told {
  switch (kind) {
    case "push":
      return pushed(parsed(Push, body));
    case "release":
      return released(parsed(Release, body));
    default:
      return `Nothing here listens to ${JSON.stringify(kind)}; push and release are.`;
  }
}

/** Throws a Refusal that names what is not as GitHub sends it. */
function parsed<Type extends z.ZodType>(type: Type, body: unknown): z.output<Type> {
  const { success, data, error } = type.safeParse(body);
  if (success) {
    return data;
  }
  const issues = error.issues.map(
    ({ path, message }) => `${["body", ...path].join(".")}: ${message}`,
  );
  throw new Refusal(422, "invalid_request", issues.slice(0, 10).join("; "), {
    hint: "the body is not what GitHub sends for this X-GitHub-Event",
  });
}

function pushed(push: z.output<typeof Push>): Told {
  const { ref, before, after, deleted, head_commit: head, repository } = push;
  const { full_name, default_branch: main } = repository;
  if (!ref.startsWith("refs/heads/")) {
    return `${ref} is no branch; the release of a tag tells of it.`;
  }
  if (deleted || /^0+$/.test(after)) {
    return `${ref} was deleted.`;
  }
  const branch = ref.slice("refs/heads/".length);
  if (main !== undefined && main !== branch) {
    return `${branch} is not ${main}, the branch that dependents follow.`;
  }
  return {
    source_repo: full_name,
    commit_sha: after,
    commit_message: head?.message ?? "",
    branch,
    changed_files: filesOf(push.commits),
    ...(before == null || /^0+$/.test(before) ? {} : { base_sha: before }),
    ...(head?.timestamp == null ? {} : { timestamp: head.timestamp }),
  };
}

/** What became of each file after all of the commits. */
function filesOf(commits: readonly z.output<typeof Commit>[]) {
  const types = new Map<string, "added" | "modified" | "deleted">();
  for (const { added, modified, removed } of commits) {
    for (const path of added) {
      types.set(path, types.get(path) === "deleted" ? "modified" : "added");
    }
    for (const path of modified) {
      types.set(path, types.get(path) ?? "modified");
    }
    for (const path of removed) {
      // One that came and went within the push has not changed.
      if (types.get(path) === "added") types.delete(path);
      else types.set(path, "deleted");
    }
  }
  return [...types].slice(0, FILES_MAX).map(([path, change_type]) => ({ path, change_type }));
}

/** A release names a tag, and a commit only where it was made of one. */
function released({ action, release, repository }: z.output<typeof Release>): Told {
  const { tag_name: tag, target_commitish: target, name, body, draft } = release;
  const { full_name, default_branch: main = "main" } = repository;
  if (action !== "published" || draft) {
    return `Only a release that is published is told of, and this one is ${draft ? "a draft" : action}.`;
  }
  const isCommit = target != null && /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/i.test(target);
  return {
    source_repo: full_name,
    commit_sha: isCommit ? target : tag,
    commit_message: [name ?? tag, body ?? ""].join("\n\n").trim(),
    branch: isCommit || target == null || target === "" ? main : target,
    tag,
    ...(release.published_at == null ? {} : { timestamp: release.published_at }),
  };
}

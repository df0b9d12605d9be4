// Prints the three kinds of issues in full, as they would be posted: of a library, a service and a
// template. For people who change what maintainers read: `node scripts/issue-texts.ts`.
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import type { Effect } from "../src/model/effect.ts";
import { issueOf } from "../src/triage/effects/issue-text.ts";
import { issueNoticeSchema } from "../src/triage/effects/notice.ts";
import consumerTriage from "../tasks/consumer_triage.ts";
import templateTriage from "../tasks/template_triage.ts";
import { LLM_CONSUMER, LLM_EVENT } from "../test/support/changes.ts";
import { makeHandlerContext } from "../test/support/handlers.ts";

const EXAMPLES = join(import.meta.dirname, "..", "examples");
const run = promisify(execFile);
const folder = await mkdtemp(join(tmpdir(), "issue-texts-"));
// oxlint-disable-next-line node/no-process-env -- handlers read their settings there
process.env["REPO_CACHE_DIR"] = join(folder, "cache");

type Files = Readonly<Record<string, unknown>>;
type Handler = typeof consumerTriage | typeof templateTriage;

async function show(name: string, handler: Handler, payload: unknown): Promise<void> {
  const effects: Effect[] = [];
  const context = makeHandlerContext({ effects: { add: (effect) => effects.push(effect) } });
  if (handler === consumerTriage) await handler.run(handler.payload.parse(payload), context);
  else await templateTriage.run(templateTriage.payload.parse(payload), context);
  const effect = effects.find(({ kind }) => kind === "github_issue");
  if (effect === undefined) throw new Error(`${name}: expected an issue, got none`);
  const notice = issueNoticeSchema.parse(effect.payload);
  const { title, body, labels } = issueOf(notice, { effectKey: effect.key, taskId: "1" });
  process.stdout.write(
    `======== ${name} ========\n${title}\nLabels: ${labels.join(", ")}\n\n${body}\n`,
  );
}

async function libraryPayload(): Promise<unknown> {
  const text = await readFile(join(EXAMPLES, "p-retry-upgrade.json"), "utf8");
  const payload = consumerTriage.payload.parse(JSON.parse(text));
  const path = join(EXAMPLES, "p-retry-consumer");
  return { ...payload, relationship_config: { ...payload.relationship_config, path } };
}

/** The change that the older system recorded: a key is demanded, and 8000 stands before 8080. */
async function servicePayload(): Promise<unknown> {
  const path = join(folder, "consumer");
  await writeFiles(path, LLM_CONSUMER);
  const relationship_config = { path, interface_files: ["utils/llm_client.py"] };
  return {
    source_repo: LLM_EVENT.source_repo,
    target_repo: "acme/assistant",
    change_event: LLM_EVENT,
    relationship_config,
  };
}

const DOCKERFILE = ["FROM node:20-slim", "WORKDIR /app", "COPY . .", "RUN npm ci", "USER node"];
const WORKFLOW = "on: push\njobs:\n  test:\n    steps:\n      - uses: actions/checkout@v4\n";

function git(path: string, ...args: string[]) {
  return run("git", [
    "-C",
    path,
    "-c",
    "user.name=Ada",
    "-c",
    "user.email=ada@example.org",
    ...args,
  ]);
}

async function templatePayload(): Promise<unknown> {
  const template = join(folder, "template");
  const derivative = join(folder, "derivative");
  const commit = async (path: string, files: Files, message: string): Promise<void> => {
    await writeFiles(path, files);
    await git(path, "add", "--all");
    await git(path, "commit", "--quiet", "--message", message);
  };
  await mkdir(template);
  await git(template, "init", "--quiet", "--initial-branch=main");
  const before = {
    Dockerfile: dockerfile({}),
    ".github/workflows/ci.yml": WORKFLOW,
    "src/app.js": "app.listen(8000);\n",
  };
  await commit(template, before, "feat: begin");
  await git(folder, "clone", "--quiet", template, derivative);
  const after = {
    Dockerfile: `${dockerfile({ 0: "FROM node:22-slim", 4: "USER app" })}HEALTHCHECK CMD node health.js\n`,
    ".github/workflows/ci.yml": `permissions: read-all\n${WORKFLOW}`.replace("@v4", "@v5"),
    "src/app.js": "app.listen(9000);\n",
  };
  await commit(template, after, "fix: probe the container, and give workflows less");
  await commit(derivative, { Dockerfile: dockerfile({ 0: "FROM node:20-alpine" }) }, "ops: alpine");
  const { stdout } = await git(template, "rev-parse", "HEAD");
  return {
    source_repo: "acme/template",
    target_repo: "acme/derivative",
    change_event: {
      source_repo: "acme/template",
      commit_sha: stdout.trim(),
      commit_message: "fix: probe the container, and give workflows less",
      branch: "main",
    },
    relationship_config: {
      source_clone_url: pathToFileURL(template).href,
      target_clone_url: pathToFileURL(derivative).href,
    },
  };
}

function dockerfile(changed: Readonly<Record<number, string>>): string {
  return DOCKERFILE.map((line, index) => `${changed[index] ?? line}\n\n\n`).join("");
}

async function writeFiles(path: string, files: Files): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    const file = join(path, name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, typeof content === "string" ? content : JSON.stringify(content));
  }
}

try {
  await show("library", consumerTriage, await libraryPayload());
  await show("service", consumerTriage, await servicePayload());
  await show("template", templateTriage, await templatePayload());
} finally {
  await rm(folder, { recursive: true, force: true });
}

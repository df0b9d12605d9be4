import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { vi } from "vitest";
import { z } from "zod";
import type { HandlerContext } from "../../src/model/handler.ts";
import { type TriageResult, triageResult } from "../../src/triage/facts/result.ts";
import handler from "../../tasks/template_triage.ts";
import { makeHandlerContext } from "./handlers.ts";
import { test as base, makeRepository, type Repository } from "./repository.ts";

const run = promisify(execFile);

export type Files = Parameters<Repository["commit"]>[0];

type Row = Readonly<Record<string, unknown>>;
export type Asked = {
  readonly event?: Row;
  readonly config?: Row;
  readonly context?: Partial<HandlerContext>;
};

/** A template and a repository that was made from it. */
export type Pair = {
  readonly template: Repository;
  readonly derivative: Repository;
  /** Triage the template's newest commit, or what the event says. */
  readonly triage: (asked?: Asked) => Promise<TriageResult>;
};

export type Kind = "fork" | "copy";

/** Make a template with these files, and a fork with its history or a copy without. */
export type MakePair = (files: Files, kind?: Kind) => Promise<Pair>;

export const test = base.extend<{ makePair: MakePair }>({
  makePair: async ({ folder, config }, use) => {
    vi.stubEnv("REPO_CACHE_DIR", config.cacheFolder);
    await use(async (files, kind = "fork") => {
      const template = await makeRepository(join(folder, "hosted", "acme", "template"));
      const derivative = await makeRepository(join(folder, "hosted", "acme", "derivative"));
      await template.commit(files, "feat: begin");
      if (kind === "copy") await derivative.commit(files, "Begin as a copy");
      else await derivative.git("pull", "--quiet", template.path, "main");
      return { template, derivative, triage: (asked) => triage(template, derivative, asked) };
    });
    vi.unstubAllEnvs();
  },
});

async function triage(
  template: Repository,
  derivative: Repository,
  { event = {}, config = {}, context = {} }: Asked = {},
): Promise<TriageResult> {
  const payload = handler.payload.parse({
    source_repo: "acme/template",
    target_repo: "acme/derivative",
    change_event: {
      source_repo: "acme/template",
      commit_sha: await template.git("rev-parse", "HEAD"),
      commit_message: "as of the event",
      branch: "main",
      ...event,
    },
    relationship_config: {
      source_clone_url: template.url,
      target_clone_url: derivative.url,
      ...config,
    },
  });
  return triageResult.parse(await handler.run(payload, makeHandlerContext(context)));
}

/** A file of a result, as far as tests look at it. */
const FileTold = z.looseObject({ path: z.string(), disposition: z.string() });
const Artifacts = z.tuple([z.looseObject({ content: z.string() })]);

/** The files of a result, by path. */
export function filesOf({ evidence }: TriageResult) {
  const files = evidence.files.map((file) => FileTold.parse(file));
  return Object.fromEntries(files.map((file) => [file.path, file]));
}

/** What became of each file, by path. */
export function dispositionsOf(result: TriageResult): Readonly<Record<string, string>> {
  const files = Object.values(filesOf(result));
  return Object.fromEntries(files.map(({ path, disposition }) => [path, disposition]));
}

/** The text of sync.patch; throws if there is none. */
export function patchIn({ artifacts }: TriageResult): string {
  return Artifacts.parse(artifacts)[0].content;
}

/** Apply the patch in a clone of the derivative, as a person would; the clone's folder. */
export async function applyPatch(
  { derivative }: Pair,
  folder: string,
  patch: string,
): Promise<string> {
  const clone = join(folder, "clone");
  await derivative.git("clone", "--quiet", derivative.path, clone);
  const applied = run("git", ["-C", clone, "apply", "--index", "-"]);
  applied.child.stdin?.end(patch);
  await applied;
  return clone;
}

/** `count` lines that differ from each other. */
export function lines(count: number, change: Readonly<Record<number, string>> = {}): string {
  return Array.from({ length: count }, (_, at) => `${change[at + 1] ?? `line ${at + 1}`}\n`).join(
    "",
  );
}

// One case in a process of its own, so that its memory is its own: prints an Outcome.
//
//   node test/corpus/run-case.ts test/corpus/cases/NAME [--result]
//
// --result prints the whole result of the handler instead. Without a case, as a process that
// outcome.ts started: an Outcome for each case that it asks for, one after the other as a worker
// does, in which the memory of one case cannot be told from that of those before.
import { on } from "node:events";
import { cp, mkdir, mkdtemp, rm } from "node:fs/promises";
import { enableCompileCache } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import type { TriageResult } from "../../src/triage/facts/result.ts";
import { triageResult } from "../../src/triage/facts/result.ts";
import consumerTriage from "../../tasks/consumer_triage.ts";
import templateTriage from "../../tasks/template_triage.ts";
import { makeHandlerContext } from "../support/handlers.ts";
import { type Case, isUpgrade, PACKAGES, readCase, type UpgradeCase } from "./case.ts";
import { changeOf, dependentOf, type Source } from "./commits.ts";
import { judge } from "./judge.ts";
import type { Outcome } from "./outcome.ts";
import { cpuSecondsWithChildren, watchMemory } from "./usage.ts";

// As bin/triaged.js does in a checkout.
enableCompileCache(path.join(import.meta.dirname, "../../node_modules/.cache/triaged"));
const [given, flag] = process.argv.slice(2);
const asked = given === undefined ? null : path.resolve(given);
// What is installed for the corpus is found from here, as by a worker from its folder.
process.chdir(PACKAGES);
if (asked === null) await answerParent();
else {
  const memory = watchMemory();
  const { result, outcome } = await run(readCase(asked));
  const measured = { ...outcome, cpuSeconds: cpuSecondsWithChildren(), peakMib: memory.stop() };
  process.stdout.write(`${JSON.stringify(flag === "--result" ? result : measured, null, 2)}\n`);
}

async function answerParent(): Promise<void> {
  for await (const [wanted] of on(process, "message", { close: ["disconnect"] })) {
    const { outcome } = await run(readCase(String(wanted)));
    process.send?.(outcome);
  }
}

async function run(one: Case): Promise<{ result: TriageResult; outcome: Outcome }> {
  const before = cpuSecondsWithChildren();
  const scratch = await mkdtemp(path.join(tmpdir(), "triaged-corpus-"));
  // Whatever a case before this one set: its folder has gone.
  process.env["REPO_CACHE_DIR"] = path.join(scratch, "cache");
  try {
    const result = await triage(one, scratch);
    const outcome = {
      judged: judge(one, result),
      urgency: result.urgency,
      confidence: result.confidence,
      seconds: result.duration_ms / 1_000,
      cpuSeconds: cpuSecondsWithChildren() - before,
      peakMib: null,
      degraded: result.evidence.degraded,
      capsHit: result.evidence.caps_hit,
      summary: result.impact_summary,
    };
    return { result, outcome };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** What a worker does with the payload of such a change. */
async function triage(about: Case, folder: string): Promise<TriageResult> {
  if (isUpgrade(about)) return await triageUpgrade(about, folder);
  const source = await changeOf(about, folder);
  const target = await dependentOf(about, source, folder);
  const payload = {
    source_repo: "corpus/source",
    target_repo: "corpus/target",
    change_event: eventOf(source),
    relationship_config: {
      source_clone_url: source.url,
      target_clone_url: target.url,
      ...("service" in about ? about.service : about.template).relationship,
    },
  };
  const handler = "service" in about ? consumerTriage : templateTriage;
  return await runHandler(handler, payload);
}

/**
 * npm mode, with the consumer in a folder: a copy of it, since a case.json speaks of the package,
 * and no consumer has one.
 */
async function triageUpgrade(about: UpgradeCase, folder: string): Promise<TriageResult> {
  const consumer = path.join(folder, "consumer");
  await mkdir(consumer);
  await cp(about.folder, consumer, {
    recursive: true,
    filter: (file) => path.basename(file) !== "case.json",
  });
  return await runHandler(consumerTriage, {
    source_repo: `npm/${about.package}`,
    target_repo: `corpus/${about.name}`,
    change_event: { package: { name: about.package, from: about.from, to: about.to } },
    relationship_config: { path: consumer },
  });
}

function eventOf({ base, head, message }: Source) {
  return {
    source_repo: "corpus/source",
    base_sha: base,
    commit_sha: head,
    commit_message: message,
    branch: "main",
  };
}

type Handler = typeof consumerTriage | typeof templateTriage;

async function runHandler(handler: Handler, payload: object): Promise<TriageResult> {
  const context = makeHandlerContext();
  const result =
    handler === consumerTriage
      ? await consumerTriage.run(consumerTriage.payload.parse(payload), context)
      : await templateTriage.run(templateTriage.payload.parse(payload), context);
  return triageResult.parse(result);
}

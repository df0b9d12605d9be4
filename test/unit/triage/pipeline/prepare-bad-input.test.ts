// Goal: input that is poor or broken has a clear answer: a verdict that says what it could not
// see, or an error that says what to correct. Never an endless run, and never a silent "no".
// Method: the handler itself, on trees and events that are made for it. What is bad about git
// is in repository/ and in the tests of git mode.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { LIMITS } from "../../../../src/triage/facts/limits.ts";
import { type TriageResult, triageResult } from "../../../../src/triage/facts/result.ts";
import handler from "../../../../tasks/consumer_triage.ts";
import { LLM_CONSUMER, LLM_EVENT } from "../../../support/changes.ts";
import { makeHandlerContext } from "../../../support/handlers.ts";
import { test as base, type Files, type Upgrade, writeTree } from "../../../support/packages.ts";

const SLOW = { timeout: 60_000 };

type Service = { readonly event?: object; readonly consumer?: Files };

async function run(payload: object): Promise<TriageResult> {
  return triageResult.parse(
    await handler.run(handler.payload.parse(payload), makeHandlerContext()),
  );
}

/** A test that can triage an upgrade of a package, and a change of the older system's service. */
const test = base.extend<{
  upgrade: (given: Upgrade) => Promise<TriageResult>;
  service: (given?: Service) => Promise<TriageResult>;
}>({
  upgrade: async ({ makeUpgrade, folder }, use) => {
    await use(async (given) => {
      await makeUpgrade(given);
      return await run({
        source_repo: "owner/provider",
        target_repo: "owner/consumer",
        change_event: {
          package: {
            name: "provider",
            from: "1.0.0",
            to: "1.1.0",
            from_path: join(folder, "from"),
            to_path: join(folder, "to"),
          },
        },
        relationship_config: { path: join(folder, "consumer") },
      });
    });
  },
  service: async ({ folder }, use) => {
    await use(async ({ event = {}, consumer = LLM_CONSUMER } = {}) => {
      await writeTree(join(folder, "consumer"), {}, consumer);
      return await run({
        source_repo: LLM_EVENT.source_repo,
        target_repo: "owner/consumer",
        change_event: { ...LLM_EVENT, ...event },
        relationship_config: {
          path: join(folder, "consumer"),
          interface_files: ["utils/llm_client.py"],
        },
      });
    });
  },
});

test(
  "a package without types is judged by the names it exports, and the result says so",
  SLOW,
  async ({ upgrade }) => {
    const result = await upgrade({
      from: { "index.js": "exports.kept = () => {};\nexports.gone = () => {};\n" },
      to: { "index.js": "exports.kept = () => {};\n" },
      consumer: { "a.js": 'const { gone } = require("provider");\ngone();\n' },
    });

    expect(result).toMatchObject({
      requires_action: true,
      affected_files: ["a.js"],
      evidence: { degraded: expect.arrayContaining(["provider@1.0.0: no type declarations"]) },
    });
    expect(result.confidence).toBeLessThan(0.9);
  },
);

test.for(["from", "to", "consumer"] as const)(
  "a package.json of %s that does not parse fails for good, and is named",
  SLOW,
  async (side, { upgrade, folder }) => {
    await expect(upgrade({ [side]: { "package.json": '{ "name": "x", }' } })).rejects.toMatchObject(
      {
        name: "PermanentError",
        message: expect.stringContaining(join(folder, side, "package.json")),
      },
    );
  },
);

test(
  "a package.json that does not parse keeps no service's consumer from being searched",
  SLOW,
  async ({ service }) => {
    const whole = await service();
    const broken = await service({
      consumer: { ...LLM_CONSUMER, "package.json": '{ "name": "x", }' },
    });

    expect(broken.requires_action).toBe(true);
    expect(broken.affected_files).toEqual(whole.affected_files);
  },
);

test(
  "a package.json of the change that does not parse hides nothing else of it",
  SLOW,
  async ({ service }) => {
    const broken = { path: "package.json", change_type: "M", diff: '+{ "version": "2.0.0",\n+' };

    const result = await service({
      event: { changed_files: [broken, ...LLM_EVENT.changed_files] },
    });

    expect(result).toMatchObject({ requires_action: true, urgency: "high" });
  },
);

test.for([
  ["a text that says so", "Binary files a/m.bin and b/m.bin differ"],
  ["bytes of git", `GIT binary patch\nliteral 1000\n${"z".repeat(1_000)}`],
  ["raw bytes", `@@ -1 +1 @@\n-${"\u0001\u0002\ufffd".repeat(500)}\n+EXPOSE 9\u0003\n`],
] as const)("a binary file that comes as %s is no finding", SLOW, async ([, diff], { service }) => {
  const changed_files = [{ path: "m.bin", change_type: "M", diff }];

  expect(await service({ event: { changed_files } })).toMatchObject({
    requires_action: false,
    evidence: { findings: [] },
  });
});

test("a binary file beside others takes nothing from what they say", SLOW, async ({ service }) => {
  const binary = {
    path: "m.bin",
    change_type: "M",
    diff: "Binary files a/m.bin and b/m.bin differ",
  };

  const result = await service({
    event: { changed_files: [binary, ...LLM_EVENT.changed_files] },
  });

  expect(result).toMatchObject({ requires_action: true, urgency: "high" });
});

test(
  "a huge diff is read up to a limit, and makes the verdict less sure",
  SLOW,
  async ({ service }) => {
    const whole = await service();
    const huge = { path: "data.py", change_type: "M", diff: "+x = 1\n".repeat(140_000) };

    const result = await service({
      event: { changed_files: [...LLM_EVENT.changed_files, huge] },
    });

    expect(result).toMatchObject({ requires_action: true, urgency: "high" });
    expect(result.evidence.truncated || result.evidence.caps_hit.length > 0).toBe(true);
    expect(result.confidence).toBeLessThan(whole.confidence);
  },
);

test(
  "a huge file of the consumer is passed over, which the caps say",
  SLOW,
  async ({ service, folder }) => {
    const whole = await service();
    const text = `URL = "http://localhost:8080/v1"\n${"#".repeat(LIMITS.fileBytesMax)}`;
    await writeFile(join(folder, "consumer", "huge.py"), text);

    const result = await service();

    expect(result.evidence.caps_hit).toEqual(["file_bytes"]);
    expect(result.affected_files).toEqual(whole.affected_files);
    expect(result.confidence).toBeLessThan(whole.confidence);
  },
);

test("binary files of the consumer are no texts", SLOW, async ({ service, folder }) => {
  const whole = await service();
  await writeFile(join(folder, "consumer", "model.py"), 'URL = "http://localhost:8080"\n\0\n');

  const result = await service();

  expect(result.affected_files).toEqual(whole.affected_files);
  expect(result.evidence.caps_hit).toEqual([]);
});

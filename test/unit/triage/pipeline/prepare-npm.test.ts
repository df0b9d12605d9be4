// Goal: an upgrade is judged also where neither of its versions is installed.

import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { create } from "tar";
import { expect } from "vitest";
import { test } from "../../../support/consumer-triage.ts";

/** A tarball of a version, with one path that no package may have. */
async function pack(folder: string, version: string, declarations: string): Promise<string> {
  const root = join(folder, version);
  await mkdir(join(root, "package", ".git"), { recursive: true });
  const manifest = { name: "provider", version, types: "index.d.ts" };
  await writeFile(join(root, "package", "package.json"), JSON.stringify(manifest));
  await writeFile(join(root, "package", "index.d.ts"), declarations);
  await writeFile(join(root, "package", ".git", "config"), "[core]\n");
  const file = join(folder, `provider-${version}.tgz`);
  await create({ file, gzip: true, cwd: root }, ["package"]);
  return file;
}

test("two tarballs are compared for a consumer in git", async ({
  folder,
  config,
  consumer,
  triage,
}) => {
  const target = await consumer.commit({
    "package.json": '{ "dependencies": { "provider": "^1.0.0" } }\n',
    "src/main.ts": 'import { ping } from "provider";\n\nping();\n',
  });
  const upgrade = {
    name: "provider",
    from: "v1.0.0",
    to: "2.0.0",
    from_path: await pack(folder, "1.0.0", "export declare const ping: () => void;\n"),
    to_path: await pack(folder, "2.0.0", "export {};\n"),
  };

  const result = await triage("v2.0.0", { event: { package: upgrade } });

  expect(result).toMatchObject({
    requires_action: true,
    affected_files: ["src/main.ts"],
    evidence: {
      mode: "npm",
      source: { base_sha: "npm:provider@1.0.0", head_sha: "npm:provider@2.0.0" },
      target: { sha: target },
      exposure: { range: "^1.0.0", new: "2.0.0", satisfies: false },
      caps_hit: ["paths"],
    },
  });
  expect(await readdir(join(config.cacheFolder, "scratch"))).toEqual([]);
});

test("a version that is nowhere fails for good, and leaves nothing", async ({
  folder,
  config,
  consumer,
  triage,
}) => {
  await consumer.commit({ "package.json": "{}\n" });
  const missing = join(folder, "missing.tgz");
  const upgrade = { name: "provider", from: "1.0.0", to: "2.0.0", from_path: missing };

  await expect(triage("v2.0.0", { event: { package: upgrade } })).rejects.toMatchObject({
    name: "PermanentError",
    message: expect.stringMatching(/^there is no .*missing\.tgz: /),
  });
  expect(await readdir(join(config.cacheFolder, "scratch"))).toEqual([]);
});

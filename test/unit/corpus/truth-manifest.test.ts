import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { brokenPromise } from "../../corpus/truth-manifest.ts";
import { readManifest } from "../../corpus/truth-sandbox.ts";

type Manifests = { consumer: object; before: object; after: object };

/** Write a package.json. */
async function write(folder: string, manifest: object): Promise<void> {
  await writeFile(path.join(folder, "package.json"), JSON.stringify(manifest, null, 2));
}

async function judge({ consumer, before, after }: Manifests) {
  const folder = await mkdtemp(path.join(tmpdir(), "triaged-manifest-"));
  const own = path.join(folder, "node_modules/p");
  await mkdir(own, { recursive: true });
  await write(folder, consumer);
  await write(own, before);
  const old = readManifest(own);
  await write(own, after);
  const consumed = { folder, manifests: new Map([["", readManifest(folder)]]) };
  const found = brokenPromise(consumed, { before: old, after: readManifest(own) });
  await rm(folder, { recursive: true });
  return found;
}

test("a Node that the consumer runs on and the new version does not is a break", async () => {
  const found = await judge({
    consumer: { name: "c", engines: { node: ">=16" } },
    before: { engines: { node: ">=14" } },
    after: { engines: { node: ">=18" } },
  });

  expect(found?.at).toEqual([
    expect.objectContaining({ path: "package.json", line: 4, symbols: ["node", "Node"] }),
  ]);
});

test.for<[title: string, manifests: Manifests]>([
  [
    "that the consumer has",
    { consumer: { engines: { node: ">=20" } }, before: {}, after: { engines: { node: ">=18" } } },
  ],
  [
    "where the consumer states none",
    { consumer: {}, before: {}, after: { engines: { node: ">=18" } } },
  ],
  [
    "that the old version wanted too",
    {
      consumer: { engines: { node: ">=16" } },
      before: { engines: { node: ">=18" } },
      after: { engines: { node: ">=18" } },
    },
  ],
])("a newer Node is none %s", async ([, manifests]) => {
  expect(await judge(manifests)).toBeNull();
});

test("a peer that excludes the consumer's is a break, at its range", async () => {
  const found = await judge({
    consumer: { name: "c", dependencies: { react: "^17.0.2" } },
    before: { peerDependencies: { react: "17.0.2" } },
    after: { peerDependencies: { react: "^18.3.1" } },
  });

  expect(found?.at).toEqual([
    expect.objectContaining({ path: "package.json", line: 4, symbols: ["react"] }),
  ]);
});

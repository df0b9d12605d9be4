import { mkdir, realpath, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import {
  dependencyFolders,
  installedAbove,
} from "../../../../../src/triage/sources/npm/installed.ts";
import { test } from "../../../../support/packages.ts";

async function install(folder: string, name: string, manifest: object): Promise<string> {
  const path = join(folder, "node_modules", name);
  await mkdir(path, { recursive: true });
  await writeFile(join(path, "package.json"), JSON.stringify({ name, ...manifest }));
  return path;
}

test("packages that are installed above a folder count, unless they are links", async ({
  folder,
}) => {
  const real = await realpath(folder);
  await mkdir(join(real, "a", "b", "c"), { recursive: true });
  await mkdir(join(real, "a", "node_modules"));
  await mkdir(join(real, "outside"));
  await symlink(join(real, "outside"), join(real, "a", "b", "node_modules"));

  expect(installedAbove(join(real, "a", "b", "c"))).toEqual([join(real, "a", "node_modules")]);
});

test("an installed package sees what it depends on, and no other", async ({ folder }) => {
  const real = await realpath(folder);
  const provider = await install(real, "provider", {
    dependencies: { direct: "1", "../../outside": "1" },
    peerDependencies: { peer: "1" },
  });
  const direct = await install(real, "direct", { dependencies: { inner: "1", provider: "1" } });
  const peer = await install(real, "peer", {});
  const types = await install(real, "@types/peer", {});
  const inner = await install(direct, "inner", {});
  await install(real, "private", {});
  await mkdir(join(real, "outside"));
  await writeFile(join(real, "outside", "package.json"), "{}");

  expect(dependencyFolders(provider).toSorted()).toEqual(
    [direct, inner, peer, provider, types].toSorted(),
  );
});

test("of pnpm's links both ends count", async ({ folder }) => {
  const real = await realpath(folder);
  const store = join(real, "node_modules", ".pnpm");
  const provider = await install(join(store, "p@1"), "provider", { dependencies: { direct: "1" } });
  const direct = await install(join(store, "d@1"), "direct", { dependencies: { inner: "1" } });
  await install(join(store, "i@1"), "inner", {});
  const links = [
    join(store, "p@1", "node_modules", "direct"),
    join(store, "d@1", "node_modules", "inner"),
  ] as const;
  await symlink(direct, links[0]);
  await symlink(join(store, "i@1", "node_modules", "inner"), links[1]);

  expect(dependencyFolders(provider)).toEqual([...links]);
});

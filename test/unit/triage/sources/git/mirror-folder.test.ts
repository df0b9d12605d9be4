import { mkdir, readdir, utimes } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import {
  evictMirrors,
  type Mirror,
  REFRESHED,
} from "../../../../../src/triage/sources/git/mirror-folder.ts";
import { openMirror, withMirrorLock } from "../../../../../src/triage/sources/git/open-mirror.ts";
import { test } from "../../../../support/repository.ts";

/** Have it that a mirror was used so many days ago. */
async function mirrorUsed(days: number, mirror: Mirror): Promise<void> {
  const at = new Date(Date.now() - days * 86_400_000);
  await utimes(join(mirror.gitDir, REFRESHED), at, at);
}

const EVICT = { mirrorAgeMs: 10 * 86_400_000, mirrorsBytesMax: 1e12, inUseMs: 3_600_000 };

test.for([
  ["by their age", {}, ["middle", "new"]],
  ["by their size, those used least lately first", { mirrorsBytesMax: 0 }, ["new"]],
] as const)("mirrors are evicted %s", async ([, limits, left], { repository, config, signal }) => {
  await repository.commit({ a: "1" });
  for (const [repo, days] of [
    ["old", 11],
    ["middle", 1],
    ["new", 0],
  ] as const) {
    const place = { repo, cloneUrl: repository.url };
    await mirrorUsed(days, await openMirror(place, config, { signal }));
  }

  await evictMirrors(config.cacheFolder, "none", { ...EVICT, ...limits });

  const names = await readdir(join(config.cacheFolder, "mirrors"));
  expect(names.map((name) => name.replace(/-.*/, "")).toSorted()).toEqual(left);
});

test("a mirror that another process works on is not evicted", async ({
  repository,
  config,
  signal,
}) => {
  await repository.commit({ a: "1" });
  const mirror = await openMirror(repository.place, config, { signal });
  await mirrorUsed(11, mirror);

  await withMirrorLock(mirror.gitDir, { signal }, () =>
    evictMirrors(config.cacheFolder, "none", EVICT),
  );
  expect(await readdir(join(config.cacheFolder, "mirrors"))).toHaveLength(1);

  await evictMirrors(config.cacheFolder, "none", EVICT);
  expect(await readdir(join(config.cacheFolder, "mirrors"))).toEqual([]);
});

test("those that evict at the same time are not in each other's way", async ({ config }) => {
  const mirrors = join(config.cacheFolder, "mirrors");
  const at = new Date(0);
  for (let number = 0; number < 100; number++) {
    const folder = join(mirrors, `${number}.git`);
    await mkdir(folder, { recursive: true });
    await utimes(folder, at, at);
  }

  await Promise.all(
    Array.from({ length: 8 }, () => evictMirrors(config.cacheFolder, "none", EVICT)),
  );

  expect(await readdir(mirrors)).toEqual([]);
});

// Goal: versions of packages come from tarballs and registries, and nothing else comes along.
// Method: tarballs made here; a registry on loopback that the project's .npmrc names.

import { createHash } from "node:crypto";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { expect, vi } from "vitest";
import { REPOSITORY_LIMITS } from "../../../../../src/triage/facts/limits.ts";
import {
  fetchPackage,
  obtainPackages,
} from "../../../../../src/triage/sources/npm/fetch-package.ts";
import { unpack } from "../../../../../src/triage/sources/npm/tarball.ts";
import { serve } from "../../../../support/http-servers.ts";
import { provider, tarballOf } from "../../../../support/packages.ts";
import { test, textIn } from "../../../../support/repository.ts";

const SOURCE = { name: "provider", version: "1.0.0", tarball: null };

test("a tarball on disk is unpacked, and removed in the end", async ({
  folder,
  config,
  signal,
}) => {
  const tarball = join(folder, "provider.tgz");
  await writeFile(tarball, tarballOf(provider("1.0.0")));

  const tree = await fetchPackage({ ...SOURCE, tarball }, config, {
    workingDirectory: folder,
    signal,
  });

  expect(tree).toMatchObject({ revision: "npm:provider@1.0.0", capsHit: [] });
  expect((await readdir(tree.path)).toSorted()).toEqual(["index.d.ts", "package.json"]);
  await tree[Symbol.asyncDispose]();
  expect(await readdir(join(config.cacheFolder, "scratch"))).toEqual([]);
});

test("links and paths that lead out of a tarball's folder are left out", async ({
  folder,
  config,
  signal,
}) => {
  const tarball = join(folder, "provider.tgz");
  await writeFile(
    tarball,
    tarballOf([
      { path: "package/../../escaped", content: "x" },
      { path: "package//absolute", content: "x" },
      { path: "package/link", content: "/etc", type: "SymbolicLink" },
      { path: "package/link/passwd", content: "mine" },
      { path: "package/hard", content: "/etc/passwd", type: "Link" },
      { path: "package/.git/config", content: "[core]" },
      ...provider("1.0.0"),
      { path: "package/index.d.ts", content: "second" },
    ]),
  );

  await using tree = await fetchPackage({ ...SOURCE, tarball }, config, {
    workingDirectory: folder,
    signal,
  });

  expect(tree.capsHit).toEqual(["paths"]);
  expect((await readdir(tree.path)).toSorted()).toEqual(["index.d.ts", "link", "package.json"]);
  expect(await textIn(tree.path, "link/passwd")).toBe("mine");
  expect(await textIn(tree.path, "index.d.ts")).toContain("1.0.0");
  expect((await readdir(folder)).toSorted()).toEqual(["cache", "provider.tgz"]);
});

test("caps keep files of a tarball out, and are told", async ({ folder, config, signal }) => {
  const tarball = join(folder, "provider.tgz");
  const large = { path: "package/large.d.ts", content: "x".repeat(2_000) };
  await writeFile(tarball, tarballOf([large, ...provider("1.0.0")]));
  const limits = { ...REPOSITORY_LIMITS, packageFileBytesMax: 1_000, filesMax: 1 };

  await using tree = await fetchPackage({ ...SOURCE, tarball }, config, {
    workingDirectory: folder,
    signal,
    limits,
  });

  expect(tree.capsHit).toEqual(["file_bytes", "files"]);
  expect(await readdir(tree.path)).toEqual(["package.json"]);
});

test.for([
  [
    "that unpacks to too much",
    tarballOf(provider("1.0.0")),
    { treeBytesMax: 60 },
    /unpacks to more/,
  ],
  ["that is too large", tarballOf(provider("1.0.0")), { tarballBytesMax: 60 }, /has more than 60/],
  [
    "that is none",
    Buffer.from("no tarball at all".repeat(100)),
    {},
    /provider\.tgz: it holds no package\.json$/,
  ],
] as const)(
  "a tarball %s is a permanent error",
  async ([, content, cap, said], { folder, config, signal }) => {
    const tarball = join(folder, "provider.tgz");
    await writeFile(tarball, content);
    const limits = { ...REPOSITORY_LIMITS, ...cap };

    const fetched = fetchPackage({ ...SOURCE, tarball }, config, {
      workingDirectory: folder,
      signal,
      limits,
    });

    await expect(fetched).rejects.toMatchObject({
      name: "PermanentError",
      message: expect.stringMatching(said),
    });
    expect(await readdir(join(config.cacheFolder, "scratch"))).toEqual([]);
  },
);

test("nothing is being written any more when a tarball is given up", async ({ folder, signal }) => {
  const content = "x".repeat(1_000);
  const many = Array.from({ length: 500 }, (_, at) => ({ path: `package/${at}.d.ts`, content }));
  const stream = Readable.from([tarballOf([...provider("1.0.0"), ...many])]);
  const limits = { ...REPOSITORY_LIMITS, treeBytesMax: 400_000 };
  await expect(unpack(stream, folder, { limits, signal })).rejects.toThrow(/unpacks to more/);
  // Else they fail when the folder goes, or make it again. The last one may still be counted.
  const writes = process.getActiveResourcesInfo().filter((kind) => kind === "FSReqPromise");
  expect(writes.length).toBeLessThan(2);
});

test("a tarball that is not there is a permanent error", async ({ folder, config, signal }) => {
  const tarball = join(folder, "absent.tgz");

  await expect(
    fetchPackage({ ...SOURCE, tarball }, config, { workingDirectory: folder, signal }),
  ).rejects.toMatchObject({ name: "PermanentError" });
});

test.for(["git+ssh://git@host/x", "../provider", "file:.", "provider@npm:other", ""])(
  "%j is no package to ask for",
  async (name, { folder, config, signal }) => {
    await expect(
      fetchPackage({ ...SOURCE, name }, config, { workingDirectory: folder, signal }),
    ).rejects.toMatchObject({ name: "PermanentError" });
  },
);

/** A project whose .npmrc names the registry. */
async function projectWith(folder: string, registry: string): Promise<string> {
  const project = join(folder, "project");
  await mkdir(project, { recursive: true });
  await writeFile(join(project, "package.json"), "{}");
  const lines = [`registry=${registry}/`, "fetch-retries=0"];
  await writeFile(join(project, ".npmrc"), lines.join("\n"));
  return project;
}

test("a version comes from the registry of npm's settings, and later from its cache", async ({
  folder,
  config,
  signal,
}) => {
  const content = tarballOf(provider("1.0.0"));
  const server = await serve((request, response) => {
    if (request.url === "/provider") {
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify(packumentOf(server.url, content)));
    } else response.end(content);
  });
  const workingDirectory = await projectWith(folder, server.url);

  const first = await fetchPackage(SOURCE, config, { workingDirectory, signal });
  expect(await textIn(first.path, "index.d.ts")).toContain("1.0.0");
  await first[Symbol.asyncDispose]();
  expect(server.requests.map(({ url }) => url)).toEqual(["/provider", "/provider-1.0.0.tgz"]);
  await server[Symbol.asyncDispose]();

  await using second = await fetchPackage(SOURCE, config, { workingDirectory, signal });
  expect(await textIn(second.path, "index.d.ts")).toContain("1.0.0");
});

function packumentOf(url: string, content: Buffer) {
  const integrity = `sha512-${createHash("sha512").update(content).digest("base64")}`;
  const dist = { tarball: `${url}/provider-1.0.0.tgz`, integrity };
  return {
    name: "provider",
    "dist-tags": { latest: "1.0.0" },
    versions: { "1.0.0": { name: "provider", version: "1.0.0", dist } },
  };
}

test.for([
  [404, "PermanentError"],
  [401, "RetryableError"],
  [503, "RetryableError"],
] as const)(
  "a registry that answers %i is a %s",
  async ([status, name], { folder, config, signal }) => {
    await using server = await serve((_, response) => {
      response.statusCode = status;
      response.end("{}");
    });
    const workingDirectory = await projectWith(folder, server.url);

    await expect(fetchPackage(SOURCE, config, { workingDirectory, signal })).rejects.toMatchObject({
      name,
    });
  },
);

test("an abort ends the wait for a registry", async ({ folder, config }) => {
  await using server = await serve(() => {});
  const workingDirectory = await projectWith(folder, server.url);
  const controller = new AbortController();

  const fetched = fetchPackage(SOURCE, config, { workingDirectory, signal: controller.signal });
  fetched.catch(() => {});
  await vi.waitUntil(() => server.requests.length > 0, { timeout: 20_000 });
  controller.abort(new Error("cancelled"));

  await expect(fetched).rejects.toThrow("cancelled");
  expect(await readdir(join(config.cacheFolder, "scratch"))).toEqual([]);
});

test("reading npm's settings leaves the environment as it was", async ({
  folder,
  config,
  signal,
}) => {
  const before = { ...process.env };
  const tarball = join(folder, "provider.tgz");
  await writeFile(tarball, tarballOf(provider("1.0.0")));

  await using _tree = await fetchPackage({ ...SOURCE, tarball }, config, {
    workingDirectory: folder,
    signal,
  });

  expect(process.env).toEqual(before);
});

test("of two versions the installed one stays, and the tarball is unpacked", async ({
  folder,
  config,
  signal,
}) => {
  const installed = join(folder, "node_modules", "provider");
  await mkdir(installed, { recursive: true });
  await writeFile(join(installed, "package.json"), '{"name":"provider","version":"1.0.0"}');
  const tarball = join(folder, "provider.tgz");
  await writeFile(tarball, tarballOf(provider("2.0.0")));
  const versions = { name: "provider", from: "1.0.0", to: "2.0.0" };

  const obtained = await obtainPackages(
    {
      package: { ...versions, fromPath: null, toPath: tarball },
      consumer: { path: folder, interfaceFiles: [] },
      searchFrom: [],
      depth: "types",
    },
    config,
    { workingDirectory: folder, signal },
  );

  const { fromPath, toPath } = obtained.request.package;
  expect(fromPath).toBeNull();
  expect(await textIn(toPath ?? "", "index.d.ts")).toContain("2.0.0");
  await obtained[Symbol.asyncDispose]();
  expect(await textIn(toPath ?? "", "index.d.ts")).toBeNull();
});

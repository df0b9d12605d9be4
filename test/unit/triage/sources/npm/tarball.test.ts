// Goal: whatever a tarball or a registry holds, a package takes no more than its limits say, a bad
// name costs its file alone, and trouble of the machine is not taken for a missing registry.
// Method: tarballs that no tool would write; a registry on loopback that has no end; processes
// that may open few files.

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { expect, vi } from "vitest";
import { REPOSITORY_LIMITS } from "../../../../../src/triage/facts/limits.ts";
import { fetchPackage } from "../../../../../src/triage/sources/npm/fetch-package.ts";
import { unpack } from "../../../../../src/triage/sources/npm/tarball.ts";
import { type HttpServer, serve } from "../../../../support/http-servers.ts";
import { type Member, provider, tarballOf, tarOf } from "../../../../support/packages.ts";
import { test, textIn } from "../../../../support/repository.ts";

const run = promisify(execFile);
const SOURCE = { name: "provider", version: "1.0.0", tarball: null };

async function unpackAll(
  content: Buffer,
  folder: string,
  signal: AbortSignal,
  limits = {},
): Promise<string[]> {
  const all = { ...REPOSITORY_LIMITS, ...limits };
  return await unpack(Readable.from([content]), folder, { limits: all, signal });
}

test.for([
  ["a name that no file system takes", `package/${"n".repeat(300)}.js`],
  ["a folder's name that is too long", `package/${"n".repeat(300)}/a.js`],
  ["a path that is too long", `package/${"a/".repeat(600)}a.js`],
  ["a file below a file", "package/index.d.ts/below.js"],
  ["a folder where a file is", "package/package.json/below.js"],
  ["a backslash", "package/..\\..\\x"],
] as const)("%s costs its file, not the package", async ([, path], { folder, signal }) => {
  const content = tarballOf([...provider("1.0.0"), { path, content: "x" }]);

  const capsHit = await unpackAll(content, folder, signal);

  expect(capsHit).toEqual(["paths"]);
  expect((await readdir(folder)).toSorted()).toEqual(["index.d.ts", "package.json"]);
});

test("of a file and a folder of one name the first stays, every time", async ({
  folder,
  signal,
}) => {
  for (let time = 0; time < 5; time++) {
    const to = join(folder, String(time));
    await mkdir(to);
    const members: Member[] = [
      { path: "package/a/b.js", content: "1" },
      { path: "package/a", content: "2" },
      { path: "package/c", content: "3" },
      { path: "package/c/d.js", content: "4" },
      ...provider("1.0.0"),
    ];

    expect(await unpackAll(tarballOf(members), to, signal)).toEqual(["paths"]);
    expect(await textIn(to, "a/b.js")).toBe("1");
    expect(await textIn(to, "c")).toBe("3");
  }
});

test("names that are no text are files or none, and never an error", async ({ folder, signal }) => {
  const tar = tarOf([
    { path: "package/bad-AA.js", content: "x" },
    { path: "package/bad-BB.js", content: "y" },
    ...provider("1.0.0"),
  ]);
  for (const [at, bytes] of [
    ["bad-AA", [0xff, 0xfe]],
    ["bad-BB", [0xfe, 0xff]],
  ] as const) {
    Buffer.from(bytes).copy(tar, tar.indexOf(at) + 4);
  }
  // Checksums of the headers are those of the new names.
  for (const at of [0, 1024]) {
    tar.fill(" ", at + 148, at + 156);
    const sum = tar.subarray(at, at + 512).reduce((all, byte) => all + byte, 0);
    tar.write(`${sum.toString(8).padStart(6, "0")}\0 `, at + 148, "latin1");
  }

  await unpackAll(gzipSync(tar), folder, signal);

  expect(await readdir(folder)).toContain("package.json");
});

test("a tarball without end of empty files is left at the limit of bytes", async ({
  folder,
  signal,
}) => {
  const many = Array.from({ length: 3_000 }, (_, at) => ({ path: `package/${at}` }));

  await expect(
    unpackAll(tarballOf(many), folder, signal, { treeBytesMax: 1_000_000 }),
  ).rejects.toMatchObject({
    name: "PermanentError",
    message: "it unpacks to more than 1000000 bytes",
  });
});

test("a tarball that is compressed twice is none", async ({ folder, signal }) => {
  await expect(
    unpackAll(gzipSync(tarballOf(provider("1.0.0"))), folder, signal),
  ).rejects.toMatchObject({ name: "PermanentError", message: "it is compressed twice" });
});

test("no more folders are made than the limit says", async ({ folder, signal }) => {
  const deep = Array.from({ length: 50 }, (_, at) => ({
    path: `package/${at}/${"d/".repeat(20)}f`,
  }));

  const capsHit = await unpackAll(tarballOf([...provider("1.0.0"), ...deep]), folder, signal, {
    foldersMax: 100,
  });

  expect(capsHit).toEqual(["paths"]);
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  expect(entries.filter((entry) => entry.isDirectory()).length).toBeLessThanOrEqual(100);
});

async function inProcess(openFiles: number, ...args: readonly string[]): Promise<unknown> {
  const script = join(
    import.meta.dirname,
    "..",
    "..",
    "..",
    "..",
    "programs",
    "unpack-with-few-files.ts",
  );
  const shell = `ulimit -n ${openFiles}; exec "$@"`;
  const { stdout } = await run("/bin/sh", ["-c", shell, "sh", process.execPath, script, ...args]);
  return JSON.parse(stdout);
}

test("a package of thousands of files is unpacked with few open files", async ({ folder }) => {
  const tarball = join(folder, "provider.tgz");
  const many = Array.from({ length: 3_000 }, (_, at) => ({
    path: `package/${at}.js`,
    content: "x",
  }));
  await writeFile(tarball, tarballOf([...provider("1.0.0"), ...many]));

  expect(await inProcess(64, join(folder, "cache"), tarball)).toEqual({ capsHit: [] });
});

test("a process without a file to open says so, and speaks of no registry", async ({ folder }) => {
  const tarball = join(folder, "provider.tgz");
  await writeFile(tarball, tarballOf(provider("1.0.0")));

  expect(await inProcess(64, join(folder, "cache"), tarball, "full")).toMatchObject({
    name: expect.not.stringMatching("PermanentError"),
    message: expect.stringMatching(/^(?!.*without a registry).*EMFILE/),
  });
});

/** A project whose .npmrc names the registry. */
async function projectWith(folder: string, registry: string): Promise<string> {
  const project = join(folder, "project");
  await mkdir(project, { recursive: true });
  await writeFile(join(project, "package.json"), "{}");
  await writeFile(join(project, ".npmrc"), `registry=${registry}/\nfetch-retries=0\n`);
  return project;
}

/** A registry that has versions of one package, and answers by `listener` in place of some. */
async function registryOf(contents: Readonly<Record<string, Buffer>>): Promise<HttpServer> {
  const server = await serve((request, response) => {
    const content = contents[/-([\d.]+)\.tgz$/.exec(request.url ?? "")?.[1] ?? ""];
    if (content !== undefined) {
      response.end(content);
      return;
    }
    const versions = Object.entries(contents).map(([version, bytes]) => {
      const integrity = `sha512-${createHash("sha512").update(bytes).digest("base64")}`;
      const dist = { tarball: `${server.url}/provider-${version}.tgz`, integrity };
      return [version, { name: "provider", version, dist }];
    });
    response.end(JSON.stringify({ name: "provider", versions: Object.fromEntries(versions) }));
  });
  return server;
}

test("tarballs are kept up to a total of bytes, those used last", async ({
  folder,
  config,
  signal,
}) => {
  const padding = Array.from({ length: 2_000 }, () => Math.random()).join();
  const versions = ["1.0.0", "1.0.1", "1.0.2", "1.0.3"];
  const contents = versions.map((version) => [
    version,
    tarballOf([...provider(version), { path: "package/padding", content: padding }]),
  ]);
  await using server = await registryOf(Object.fromEntries(contents));
  const workingDirectory = await projectWith(folder, server.url);
  const bounded = { ...config, packageCacheBytesMax: 50_000 };

  await Promise.all(
    versions.map(async (version) => {
      const source = { ...SOURCE, version };
      await using tree = await fetchPackage(source, bounded, { workingDirectory, signal });
      expect(await textIn(tree.path, "index.d.ts")).toContain(version);
    }),
  );

  const kept = join(config.cacheFolder, "packages");
  const names = await readdir(kept);
  const sizes = await Promise.all(names.map((name) => stat(join(kept, name))));
  expect(names.length).toBeGreaterThan(0);
  expect(sizes.reduce((sum, { size }) => sum + size, 0)).toBeLessThanOrEqual(50_000);
});

test("a kept tarball that is broken is had anew", async ({ folder, config, signal }) => {
  await using server = await registryOf({ "1.0.0": tarballOf(provider("1.0.0")) });
  const workingDirectory = await projectWith(folder, server.url);
  await using _first = await fetchPackage(SOURCE, config, { workingDirectory, signal });
  const kept = join(config.cacheFolder, "packages");
  for (const name of await readdir(kept)) await writeFile(join(kept, name), "broken");

  await using second = await fetchPackage(SOURCE, config, { workingDirectory, signal });

  expect(await textIn(second.path, "index.d.ts")).toContain("1.0.0");
});

test("a tarball with another digest than the registry tells is not unpacked", async ({
  folder,
  config,
  signal,
}) => {
  await using server = await serve((request, response) => {
    const dist = { tarball: `${server.url}/provider-1.0.0.tgz`, integrity: "sha512-AAAA" };
    if (request.url?.endsWith(".tgz") === true) response.end(tarballOf(provider("1.0.0")));
    else response.end(JSON.stringify({ versions: { "1.0.0": { dist } } }));
  });
  const workingDirectory = await projectWith(folder, server.url);

  await expect(fetchPackage(SOURCE, config, { workingDirectory, signal })).rejects.toThrow(
    /sha512/,
  );
  expect(await readdir(join(config.cacheFolder, "packages"))).toEqual([]);
});

test.for([
  ["tells of a package", "/provider", /what the registry tells of it has more than 100000 bytes/],
  ["sends a tarball", "/provider-1.0.0.tgz", /it has more than 100000 bytes/],
] as const)(
  "a registry that %s without end is left at the limit",
  async ([, path, said], { folder, config, signal }) => {
    let isClosed = false;
    await using server = await serve((request, response) => {
      if (request.url === path) {
        response.on("close", () => (isClosed = true));
        Readable.from(endless())
          .on("error", () => {})
          .pipe(response);
        return;
      }
      const dist = { tarball: `${server.url}/provider-1.0.0.tgz` };
      response.end(JSON.stringify({ versions: { "1.0.0": { dist } } }));
    });
    const workingDirectory = await projectWith(folder, server.url);
    const limits = { ...REPOSITORY_LIMITS, packumentBytesMax: 100_000, tarballBytesMax: 100_000 };

    await expect(
      fetchPackage(SOURCE, config, { workingDirectory, signal, limits }),
    ).rejects.toMatchObject({ name: "PermanentError", message: expect.stringMatching(said) });
    await vi.waitUntil(() => isClosed, { timeout: 10_000 });
  },
);

function* endless(): Generator<Buffer> {
  for (;;) yield Buffer.alloc(10_000, " ");
}

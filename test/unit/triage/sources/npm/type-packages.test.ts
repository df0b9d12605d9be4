// Goal: what declarations import is fetched in the versions that npm would choose, and what cannot
// be had is told. Method: a registry on loopback with small packages.

import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import {
  declarationsOf,
  fetchTypePackages,
  tsconfigsOf,
} from "../../../../../src/triage/sources/npm/type-packages.ts";
import { serve } from "../../../../support/http-servers.ts";
import { type Files, tarballOf, writeTree } from "../../../../support/packages.ts";
import { test, textIn } from "../../../../support/repository.ts";

/** Packages by `name@version`, and the files of each beside its package.json. */
type Published = Readonly<Record<string, Readonly<Record<string, unknown>> & { files?: Files }>>;

async function registryOf(published: Published) {
  const tarballs = new Map<string, Buffer>();
  for (const [key, { files = {}, ...fields }] of Object.entries(published)) {
    const at = key.lastIndexOf("@");
    const manifest = { name: key.slice(0, at), version: key.slice(at + 1), ...fields };
    const members = Object.entries({ ...files, "package.json": JSON.stringify(manifest) });
    const content = members.map(([path, text]) => ({
      path: `package/${path}`,
      content: text,
    }));
    tarballs.set(key, tarballOf(content));
  }
  const server = await serve((request, response) => {
    const asked = decodeURIComponent(request.url?.slice(1) ?? "");
    const tarball = tarballs.get(asked.replace(/\.tgz$/, ""));
    if (tarball !== undefined) {
      response.end(tarball);
      return;
    }
    const found = [...tarballs].filter(([key]) => key.slice(0, key.lastIndexOf("@")) === asked);
    if (found.length === 0) response.statusCode = 404;
    const versions = found.map(([key, content]) => {
      const integrity = `sha512-${createHash("sha512").update(content).digest("base64")}`;
      const tarballUrl = `${server.url}/${encodeURIComponent(key)}.tgz`;
      return [key.slice(key.lastIndexOf("@") + 1), { dist: { tarball: tarballUrl, integrity } }];
    });
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ name: asked, versions: Object.fromEntries(versions) }));
  });
  return server;
}

async function provider(folder: string, name: string, files: Files): Promise<string> {
  const path = join(folder, name);
  await writeTree(path, { name: "provider", version: "1.0.0" }, files);
  return path;
}

async function projectWith(folder: string, url: string): Promise<string> {
  const path = join(folder, "project");
  await mkdir(path, { recursive: true });
  await writeFile(join(path, "package.json"), "{}");
  await writeFile(join(path, ".npmrc"), `registry=${url}/\n`);
  return path;
}

const TYPED = { files: { "index.d.ts": "export declare const a: 1;" } };

test("packages that declarations import are fetched, and those that these import", async ({
  folder,
  config,
  signal,
}) => {
  await using registry = await registryOf({
    "direct@1.0.0": TYPED,
    "direct@1.2.0": {
      dependencies: { inner: "^2.0.0" },
      files: { "index.d.ts": 'export * from "inner";' },
    },
    "direct@2.0.0": TYPED,
    "inner@2.0.1": TYPED,
    "unused@1.0.0": TYPED,
  });
  const path = await provider(folder, "from", {
    "package.json": { dependencies: { direct: "^1.0.0", unused: "1.0.0" } },
    "index.d.ts": 'import type { a } from "direct";\nexport declare const b: typeof a;',
  });
  const workingDirectory = await projectWith(folder, registry.url);

  await using types = await fetchTypePackages([declarationsOf(path, false)], config, {
    workingDirectory,
    signal,
  });

  const direct = types.links[path]?.["direct"] ?? "";
  expect(await textIn(direct, "package.json")).toContain('"version":"1.2.0"');
  expect(await textIn(types.links[direct]?.["inner"] ?? "", "index.d.ts")).toContain("const a: 1");
  expect(Object.keys(types.links[path] ?? {})).toEqual(["direct"]);
  expect(types.degraded).toEqual([]);
});

test("both versions get the same copy of what both need", async ({ folder, config, signal }) => {
  await using registry = await registryOf({ "direct@1.0.0": TYPED });
  const files = { "index.d.ts": 'export * from "direct";' };
  const from = await provider(folder, "from", {
    ...files,
    "package.json": { dependencies: { direct: "^1.0.0" } },
  });
  const to = await provider(folder, "to", {
    ...files,
    "package.json": { peerDependencies: { direct: ">=1" } },
  });
  const workingDirectory = await projectWith(folder, registry.url);

  await using types = await fetchTypePackages(
    [declarationsOf(from, false), declarationsOf(to, false)],
    config,
    { workingDirectory, signal },
  );

  expect(types.links[from]).toEqual(types.links[to]);
});

test("a package without declarations has those of @types", async ({ folder, config, signal }) => {
  await using registry = await registryOf({
    "plain@1.0.0": { files: { "index.js": "" } },
    "@types/plain@1.0.3": TYPED,
    "@types/listed@3.0.0": TYPED,
  });
  const path = await provider(folder, "from", {
    "package.json": { dependencies: { plain: "1", listed: "1", "@types/listed": "3" } },
    "index.d.ts": 'export * from "plain";\nexport * from "listed/sub";',
  });
  const workingDirectory = await projectWith(folder, registry.url);

  await using types = await fetchTypePackages([declarationsOf(path, false)], config, {
    workingDirectory,
    signal,
  });

  expect(Object.keys(types.links[path] ?? {}).toSorted()).toEqual([
    "@types/listed",
    "@types/plain",
    "plain",
  ]);
});

test("a package that a tsconfig extends is fetched", async ({ folder, config, signal }) => {
  await using registry = await registryOf({
    "@tsconfig/strict@2.0.0": { files: { "tsconfig.json": "{}" } },
  });
  const path = await provider(folder, "consumer", {
    "package.json": { devDependencies: { "@tsconfig/strict": "^2.0.0" } },
    "app/tsconfig.json": '{ "extends": ["../base.json", "@tsconfig/strict/tsconfig.json"] }',
  });
  const workingDirectory = await projectWith(folder, registry.url);

  await using types = await fetchTypePackages([tsconfigsOf({ path }, false)], config, {
    workingDirectory,
    signal,
  });

  expect(Object.keys(types.links[path] ?? {})).toEqual(["@tsconfig/strict"]);
});

test("a package that cannot be had is told and fails nothing", async ({
  folder,
  config,
  signal,
}) => {
  await using registry = await registryOf({ "old@1.0.0": TYPED });
  const path = await provider(folder, "from", {
    "package.json": { dependencies: { absent: "^1.0.0", old: "^2.0.0" } },
    "index.d.ts": 'export * from "absent";\nexport * from "old";',
  });
  const workingDirectory = await projectWith(folder, registry.url);

  await using types = await fetchTypePackages([declarationsOf(path, false)], config, {
    workingDirectory,
    signal,
  });

  expect(types.degraded).toEqual([
    'types of "absent" not fetched: it is not published',
    'types of "old" not fetched: no version fits ^2.0.0',
  ]);
});

test("a registry that does not answer is asked once", async ({ folder, config, signal }) => {
  await using server = await serve((_, response) => {
    response.statusCode = 503;
    response.end();
  });
  const path = await provider(folder, "from", {
    "package.json": { dependencies: { a: "1", b: "1" } },
    "index.d.ts": 'export * from "a";\nexport * from "b";',
  });
  const workingDirectory = await projectWith(folder, server.url);

  await using types = await fetchTypePackages([declarationsOf(path, false)], config, {
    workingDirectory,
    signal,
  });

  expect(types.degraded).toEqual(["types not fetched: no registry answers"]);
  expect(server.requests).toHaveLength(1);
});

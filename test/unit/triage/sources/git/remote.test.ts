// Goal: a remote that fails is told by what can be done about it, and the token goes to the
// host that it is meant for alone.
// Method: a server on loopback in the place of a host of repositories.

import { spawn } from "node:child_process";
import { readdir } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { expect, vi } from "vitest";
import type { RepositoryConfig } from "../../../../../src/settings/analysis.ts";
import { git } from "../../../../../src/triage/sources/git/git.ts";
import { openMirror } from "../../../../../src/triage/sources/git/open-mirror.ts";
import { remoteOf } from "../../../../../src/triage/sources/git/remote.ts";
import { resolveCommit } from "../../../../../src/triage/sources/git/resolve-commit.ts";
import { type HttpServer, serve } from "../../../../support/http-servers.ts";
import { test } from "../../../../support/repository.ts";

/** Serve the repositories below a folder as a host does, by git's own program for it. */
async function serveRepositories(root: string): Promise<HttpServer> {
  return await serve((request, response) => {
    void answer(root, request, response).catch(() => response.destroy());
  });
}

async function answer(
  root: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? "/", "http://127.0.0.1");
  const backend = spawn("git", ["http-backend"], {
    env: {
      PATH: process.env["PATH"],
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: "1",
      PATH_INFO: url.pathname,
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method ?? "GET",
      CONTENT_TYPE: request.headers["content-type"] ?? "",
      HTTP_CONTENT_ENCODING: request.headers["content-encoding"] ?? "",
      HTTP_GIT_PROTOCOL: String(request.headers["git-protocol"] ?? ""),
    },
    stdio: ["pipe", "pipe", "ignore"],
  });
  backend.stdin.on("error", () => {});
  request.pipe(backend.stdin);
  const output = Buffer.concat(await backend.stdout.toArray());
  const end = output.indexOf("\r\n\r\n");
  for (const line of output.toString("latin1", 0, end).split("\r\n")) {
    const [name = "", value = ""] = line.split(": ");
    if (name === "Status") response.statusCode = Number.parseInt(value, 10);
    else response.setHeader(name, value);
  }
  response.end(output.subarray(end + 4));
}

const PLACE = { repo: "acme/provider", cloneUrl: null };
const TOKEN = "ghp_s3cret";
const BASIC = `Basic ${Buffer.from(`x-access-token:${TOKEN}`).toString("base64")}`;

test.for([
  [404, "PermanentError", /^there is no repository acme\/provider: .*not found/],
  [410, "PermanentError", /^there is no repository acme\/provider: .*410/],
  [401, "RetryableError", /^acme\/provider was refused: .*hint: .*GITHUB_TOKEN/],
  [403, "RetryableError", /^acme\/provider cannot be reached: .*403/],
  [429, "RetryableError", /^acme\/provider cannot be read now: .*429/],
  [500, "RetryableError", /^acme\/provider cannot be reached: .*500/],
  [503, "RetryableError", /^acme\/provider cannot be reached: .*503/],
] as const)("an answer %i is a %s", async ([status, name, said], { config, signal }) => {
  await using server = await serve((_, response) => {
    response.statusCode = status;
    response.end();
  });

  const opened = openMirror(PLACE, { ...config, cloneBase: server.url, token: TOKEN }, { signal });

  await expect(opened).rejects.toMatchObject({
    name,
    message: expect.stringMatching(said),
    ...(status === 429 ? { retryAfterMs: 60_000 } : {}),
  });
  await expect(opened).rejects.not.toThrow(/s3cret/);
});

test("a host that repeats the credentials it was sent is not quoted with them", async ({
  config,
  signal,
}) => {
  await using server = await serve(({ headers }, response) => {
    response.writeHead(403, { "content-type": "text/plain" });
    response.end(`no ${headers.authorization}, that is ${TOKEN}\n`);
  });

  const opened = openMirror(PLACE, { ...config, cloneBase: server.url, token: TOKEN }, { signal });

  await expect(opened).rejects.toMatchObject({
    message: "acme/provider cannot be reached: remote: no Basic ****, that is ****",
    cause: { stderr: expect.not.stringMatching(/s3cret|eC1hY2Nlc3M/) },
  });
});

test("a repository is mirrored over http, and missed where it is not", async ({
  folder,
  repository,
  config,
  signal,
}) => {
  const head = await repository.commit({ a: "1" });
  await using server = await serveRepositories(join(folder, "hosted"));
  const served = { ...config, cloneBase: server.url, token: TOKEN };

  // git's own server wants the path of the repository itself.
  const place = { repo: "acme/provider", cloneUrl: `${server.url}/acme/provider/.git` };
  const mirror = await openMirror(place, served, { signal });

  expect(await resolveCommit(mirror, null, signal)).toBe(head);
  expect(new Set(server.requests.map(({ headers }) => headers.authorization))).toEqual(
    new Set([BASIC]),
  );
  await expect(
    openMirror({ repo: "acme/absent", cloneUrl: null }, served, { signal }),
  ).rejects.toMatchObject({ name: "PermanentError" });
});

test("a caller that waits for a fetch that began later does not fetch again", async ({
  folder,
  repository,
  config,
  signal,
}) => {
  await repository.commit({ a: "1" });
  await using server = await serveRepositories(join(folder, "hosted"));
  const place = { repo: "acme/provider", cloneUrl: `${server.url}/acme/provider/.git` };
  const served = { ...config, cloneBase: server.url };

  await Promise.all(Array.from({ length: 8 }, () => openMirror(place, served, { signal })));

  // A fetch asks for HEAD, and then for all. The first may have started before the others asked.
  const asked = server.requests.filter(({ method }) => method === "GET");
  expect(asked.length).toBeLessThanOrEqual(4);
});

test("a host that refuses connections is a retryable error", async ({ config, signal }) => {
  const server = await serve(() => {});
  await server[Symbol.asyncDispose]();

  await expect(
    openMirror(PLACE, { ...config, cloneBase: server.url }, { signal }),
  ).rejects.toMatchObject({
    name: "RetryableError",
    message: expect.stringMatching(/^acme\/provider cannot be reached: /),
  });
});

test("an answer that is no git is an error that is retried", async ({ config, signal }) => {
  await using server = await serve((_, response) => response.end("<html>\nhello\n"));

  const opened = openMirror(PLACE, { ...config, cloneBase: server.url }, { signal });

  await expect(opened).rejects.not.toMatchObject({ name: "PermanentError" });
});

test("a folder that is not there is a permanent error", async ({ folder, config, signal }) => {
  const place = { ...PLACE, cloneUrl: `file://${join(folder, "absent")}` };

  await expect(openMirror(place, config, { signal })).rejects.toMatchObject({
    name: "PermanentError",
    message: expect.stringMatching(/^there is no repository acme\/provider: /),
  });
});

test("the token is sent to the clone base in a header", async ({ config, signal }) => {
  await using server = await serve((_, response) => {
    response.statusCode = 404;
    response.end();
  });
  const withToken = { ...config, cloneBase: server.url, token: TOKEN };

  await openMirror(PLACE, withToken, { signal }).catch(() => {});

  expect(server.requests[0]).toMatchObject({
    url: "/acme/provider/info/refs?service=git-upload-pack",
    headers: { authorization: BASIC },
  });
});

test("the token is sent to no other host, not even at a redirect", async ({ config, signal }) => {
  await using other = await serve((_, response) => {
    response.statusCode = 404;
    response.end();
  });
  await using server = await serve((request, response) => {
    response.statusCode = 301;
    response.setHeader("location", `${other.url.replace("127.0.0.1", "localhost")}${request.url}`);
    response.end();
  });
  const withToken = { ...config, cloneBase: server.url, token: TOKEN };

  await openMirror(PLACE, withToken, { signal }).catch(() => {});

  expect(server.requests[0]?.headers.authorization).toBe(BASIC);
  expect(other.requests.length).toBeGreaterThan(0);
  expect(other.requests.map(({ headers }) => headers.authorization)).toEqual([undefined]);
});

test("an abort ends git and what it has started", async ({ config, signal }) => {
  const closed: boolean[] = [];
  await using server = await serve((request) => {
    request.socket.on("close", () => closed.push(true));
  });
  const controller = new AbortController();
  const opened = openMirror(
    PLACE,
    { ...config, cloneBase: server.url },
    {
      signal: AbortSignal.any([signal, controller.signal]),
    },
  );
  opened.catch(() => {});
  await vi.waitUntil(() => server.requests.length > 0, { timeout: 20_000 });

  controller.abort(new Error("cancelled"));

  await expect(opened).rejects.toThrow("cancelled");
  // The connection is that of git's helper for http, a process below git.
  await vi.waitUntil(() => closed.length > 0, { timeout: 20_000 });
  expect((await readdir(join(config.cacheFolder, "mirrors"))).join()).not.toContain(".lock");
});

test("git that takes too long is ended, which is a retryable error", async ({ config, signal }) => {
  await using server = await serve(() => {});
  const remote = remoteOf(PLACE, { ...config, cloneBase: server.url });

  const asked = git(config.cacheFolder, ["ls-remote", "--", remote.url], {
    signal,
    protocols: remote.protocols,
    limitMs: 200,
  });

  await expect(asked).rejects.toMatchObject({
    name: "RetryableError",
    message: "git ls-remote took longer than 200 ms",
  });
});

test("git may speak no protocol that is not named", async ({ config, signal }) => {
  const asked = git(config.cacheFolder, ["ls-remote", "--", "ext::sh -c true"], {
    signal,
    protocols: ["https"],
  });

  await expect(asked).rejects.toThrow(/transport 'ext' not allowed/);
});

const BASE: RepositoryConfig = {
  cacheFolder: "/cache",
  cloneBase: "https://github.com",
  token: TOKEN,
};

test.for([
  ["a repository's name", null, "https://github.com/acme/provider", ["https"], true],
  ["https", "https://git.example.org/a.git", null, ["https"], false],
  ["a host that begins alike", "https://github.com.evil.org/a", null, ["https"], false],
  ["ssh", "ssh://git@host:22/a.git", null, ["ssh"], false],
  ["the short form of ssh", "git@host:acme/a.git", null, ["ssh"], false],
  ["a folder", "file:///srv/a.git", null, ["file"], false],
] as const)("a remote is %s", ([, cloneUrl, url, protocols, hasToken]) => {
  const remote = remoteOf({ repo: "acme/provider", cloneUrl }, BASE);

  expect(remote).toMatchObject({ url: url ?? cloneUrl, protocols });
  expect(remote.config.size).toBe(hasToken ? 1 : 0);
});

test.for([
  "http://example.org/a",
  "ext::sh -c id",
  "git://host/a",
  "--upload-pack=id",
  "-oProxyCommand=id",
  "ssh://-oProxyCommand=id/a",
  "-x@host:a",
  "/srv/a.git",
  "../a",
  "https://user:pass@host/a",
  "https://token@host/a",
  "https://host/a b",
  "https://host/a\n[x]",
  "file://host/share",
  "javascript:1",
  "",
])("%j is no remote", (cloneUrl) => {
  expect(() => remoteOf({ repo: "acme/provider", cloneUrl }, BASE)).toThrow(
    expect.objectContaining({ name: "PermanentError" }),
  );
});

test.for(["provider", "../../x", "a/..", "a/b/../c", "-a/b", "a/ b", "a//b", "a/b\n", ""])(
  "%j is no name of a repository",
  (repo) => {
    expect(() => remoteOf({ repo, cloneUrl: null }, BASE)).toThrow(/expected owner\/name/);
  },
);

test("a password in a URL is not repeated", () => {
  const place = { repo: "a/b", cloneUrl: "https://user:s3cret@host/a" };

  expect(() => remoteOf(place, BASE)).toThrow(/^(?!.*s3cret).*give GITHUB_TOKEN instead/);
});

// Goal: an event, which anybody may send, leads git to no address that its sender could not
// reach by himself, and to no disk and no key of the worker; an operator may name any.
// Method: what remoteOf and openMirror refuse, and a server on loopback that counts requests.

import { readdir } from "node:fs/promises";
import { isIP } from "node:net";
import { join } from "node:path";
import { expect } from "vitest";
import type { RepositoryConfig } from "../../../../../src/settings/analysis.ts";
import { git } from "../../../../../src/triage/sources/git/git.ts";
import { openMirror } from "../../../../../src/triage/sources/git/open-mirror.ts";
import {
  type Resolve,
  remoteOf,
  toPublicAddress,
} from "../../../../../src/triage/sources/git/remote.ts";
import { serve } from "../../../../support/http-servers.ts";
import { test } from "../../../../support/repository.ts";

const BASE: RepositoryConfig = {
  cacheFolder: "/cache",
  cloneBase: "https://github.com",
  token: "ghp_s3cret",
};

function toldByEvent(cloneUrl: string) {
  return { repo: "acme/provider", cloneUrl, isFromEvent: true };
}

/** A name server that has these addresses for every name. */
function answering(...addresses: readonly string[]): Resolve {
  return () => Promise.resolve(addresses.map((address) => ({ address, family: isIP(address) })));
}

test.for([
  "file:///etc",
  "file:///srv/git/acme/provider.git",
  "ssh://git@git.example.org/a.git",
  "git@git.example.org:acme/a.git",
  "http://git.example.org/a.git",
])("an event may not name %s", (cloneUrl) => {
  expect(() => remoteOf(toldByEvent(cloneUrl), BASE)).toThrow(
    expect.objectContaining({
      name: "PermanentError",
      message: expect.stringMatching(/^cannot clone "acme\/provider": /),
    }),
  );
});

test.for(["file:///srv/git/acme/provider.git", "ssh://git@10.0.0.1/a.git", "https://10.0.0.1/a"])(
  "an operator may name %s",
  async (cloneUrl) => {
    const remote = remoteOf({ repo: "acme/provider", cloneUrl }, BASE);

    expect(remote).toMatchObject({ url: cloneUrl, isGuarded: false });
    expect(await toPublicAddress(remote, "acme/provider")).toBe(remote);
  },
);

test.for([
  "https://127.0.0.1/a",
  "https://127.1:8443/a",
  "https://2130706433/a",
  "https://0x7f.1/a",
  "https://[::1]/a",
  "https://[::ffff:169.254.169.254]/latest/meta-data",
  "https://169.254.169.254/latest/meta-data",
  "https://10.1.2.3/a",
  "https://192.168.1.1/a",
  "https://localhost/a",
])("an event that names %s is refused for good", async (cloneUrl, { config, signal }) => {
  await expect(openMirror(toldByEvent(cloneUrl), config, { signal })).rejects.toMatchObject({
    name: "PermanentError",
    message: expect.stringMatching(/is a private address; hint: register where it is/),
  });
  expect(await readdir(join(config.cacheFolder)).catch(() => [])).toEqual([]);
});

test("a name with one private address among its own is refused", async () => {
  const remote = remoteOf(toldByEvent("https://git.example.org/a"), BASE);
  const resolve = answering("140.82.112.3", "fd00::1");

  await expect(toPublicAddress(remote, "acme/provider", resolve)).rejects.toMatchObject({
    name: "PermanentError",
  });
});

test("git gets the addresses that were looked at, and may follow no redirect", async () => {
  const remote = remoteOf(toldByEvent("https://git.example.org:8443/a"), BASE);
  const resolve = answering("140.82.112.3", "2606:4700:4700::1111");

  const { config } = await toPublicAddress(remote, "acme/provider", resolve);

  expect(Object.fromEntries(config)).toEqual({
    "http.followRedirects": "false",
    "http.curloptResolve": "git.example.org:8443:140.82.112.3,[2606:4700:4700::1111]",
  });
});

test("git connects to the address that it gets, and follows no redirect", async ({
  config,
  signal,
}) => {
  await using other = await serve((_, response) => response.end());
  await using server = await serve((request, response) => {
    response.statusCode = 301;
    response.setHeader("location", `${other.url}${request.url}`);
    response.end();
  });
  const { port } = new URL(server.url);
  const url = `http://git.invalid:${port}/a`;

  const asked = git(config.cacheFolder, ["ls-remote", "--", url], {
    signal,
    protocols: ["http"],
    config: new Map([
      ["http.followRedirects", "false"],
      ["http.curloptResolve", `git.invalid:${port}:127.0.0.1`],
    ]),
  });

  await expect(asked).rejects.toThrow(/301/);
  expect(server.requests).toHaveLength(1);
  expect(other.requests).toEqual([]);
});

test("a name without an address is tried again", async () => {
  const remote = remoteOf(toldByEvent("https://git.example.org/a"), BASE);

  await expect(
    toPublicAddress(remote, "acme/provider", () => Promise.reject(new Error("ENOTFOUND"))),
  ).rejects.toMatchObject({
    name: "RetryableError",
    message: "acme/provider cannot be reached: git.example.org has no address",
  });
});

test("an event may name what lies below GITHUB_CLONE_BASE, wherever that is", async ({
  repository,
  config,
  signal,
}) => {
  const head = await repository.commit({ a: "1" });
  const inside = toldByEvent(`${config.cloneBase}/acme/provider`);

  const { gitDir } = await openMirror(inside, config, { signal });

  const { stdout } = await git(gitDir, ["rev-parse", "HEAD"], { signal });
  expect(stdout.toString().trim()).toBe(head);
});

test.for(["../outside", "acme/../../outside", "%2e%2e/outside", "./../outside", "acme/%2E./x"])(
  "a path that may lead out of GITHUB_CLONE_BASE is not below it: %s",
  (path, { config }) => {
    const place = toldByEvent(`${config.cloneBase}/${path}`);

    expect(() => remoteOf(place, config)).toThrow(/an event may name https, not file/);
    const web = remoteOf(toldByEvent(`${BASE.cloneBase}/${path}`), BASE);
    expect(web).toMatchObject({ isGuarded: true });
    expect(web.config.size).toBe(0);
  },
);

test("ALLOW_PRIVATE_WEBHOOKS lets events name private hosts, and no disk", () => {
  const config = { ...BASE, allowPrivate: true };

  expect(remoteOf(toldByEvent("https://10.0.0.1/a"), config).isGuarded).toBe(false);
  expect(() => remoteOf(toldByEvent("file:///etc"), config)).toThrow(/an event may name https/);
});

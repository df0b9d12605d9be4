// sslmode means what libpq says. A stand-in for a server shows how a connection came in: one
// that got through is told that the server is too old.
import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { runCli } from "../support/processes.ts";
import { type StandIn, startStandIn } from "./stand-in-server.ts";

const AUTHORITY = fixture("authority.pem");
const THROUGH = /^error: the server is PostgreSQL 14/;
const UNTRUSTED = /^error: the server's certificate is not trusted: .*\nhint: .*sslrootcert=/;

function fixture(name: string): string {
  return fileURLToPath(new URL(`../fixtures/tls/${name}`, import.meta.url));
}

function startWithTls(): Promise<StandIn> {
  const [key, cert] = ["server.key", "server.pem"].map((name) => readFileSync(fixture(name)));
  return startStandIn({
    versionNumber: 140_013,
    secureContext: createSecureContext({ key, cert }),
  });
}

test.for([
  ["127.0.0.1", "", ["plain"], THROUGH],
  ["127.0.0.1", "?sslmode=disable", ["plain"], THROUGH],
  ["127.0.0.1", "?sslmode=prefer", ["plain"], THROUGH],
  ["127.0.0.1", "?sslmode=require", ["encrypted"], THROUGH],
  ["127.0.0.1", "?sslmode=verify-full", [], UNTRUSTED],
  ["127.0.0.1", "?sslmode=verify-ca", [], UNTRUSTED],
  ["127.0.0.1", `?sslmode=verify-full&sslrootcert=${AUTHORITY}`, ["encrypted"], THROUGH],
  ["localhost", `?sslmode=verify-full&sslrootcert=${AUTHORITY}`, [], UNTRUSTED],
  ["localhost", `?sslmode=verify-ca&sslrootcert=${AUTHORITY}`, ["encrypted"], THROUGH],
  ["localhost", `?sslmode=require&sslrootcert=${AUTHORITY}`, ["encrypted"], THROUGH],
] as const)("%s%s", async ([host, parameters, connections, error]) => {
  const server = await startWithTls();
  const url = `postgres://app@${host}:${server.port}/orders${parameters}`;

  const { code, stderr } = await runCli(["list"], { env: { DATABASE_URL: url } });

  expect(code).toBe(78);
  expect(stderr).toMatch(error);
  expect(server.connections).toEqual(connections);
  await server.stop();
});

test("a server without TLS is refused where TLS is required", async () => {
  const server = await startStandIn({ versionNumber: 140_013 });
  const url = `postgres://app@127.0.0.1:${server.port}/orders?sslmode=require`;

  const { code, stderr } = await runCli(["list"], { env: { DATABASE_URL: url } });

  expect(code).toBe(78);
  expect(stderr).toMatch(/^error: the server does not offer TLS\nhint: .*sslmode=disable.*\n$/);
  expect(server.connections).toEqual([]);
  await server.stop();
});

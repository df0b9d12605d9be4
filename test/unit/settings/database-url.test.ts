import { expect, test } from "vitest";
import { databaseUrlOf, parseDatabaseUrl } from "../../../src/settings/database-url.ts";

test.for([
  ["postgres://db.example.org/orders", "verify-full"],
  ["postgres://10.0.0.7/orders", "verify-full"],
  ["postgres://localhost/orders", "disable"],
  ["postgres://127.0.0.2:5433/orders", "disable"],
  ["postgres://[::1]/orders", "disable"],
  ["postgres://app@/orders?host=/var/run/postgresql", "disable"],
  ["postgres://app@%2Fvar%2Frun%2Fpostgresql/orders?sslmode=require", "disable"],
  ["postgres:///orders", "disable"],
  ["postgres://db/orders?sslmode=disable", "disable"],
  ["postgres://db/orders?sslmode=allow", "require"],
  ["postgres://db/orders?sslmode=prefer", "require"],
  ["postgres://localhost/orders?sslmode=prefer", "disable"],
  ["postgres://db/orders?sslmode=require", "require"],
  ["postgres://localhost/orders?sslmode=require", "require"],
  ["postgres://db/orders?sslmode=require&sslrootcert=/ca.pem", "verify-ca"],
  ["postgres://db/orders?sslmode=verify-ca", "verify-ca"],
  ["postgres://localhost/orders?sslmode=verify-full", "verify-full"],
  ["postgres://db/orders?sslmode=no-verify", "require"],
  ["postgres://db/orders?ssl=true", "verify-full"],
  ["postgres://localhost.example.org/orders", "verify-full"],
] as const)("%s is reached with TLS mode %s", ([text, mode]) => {
  expect(parseDatabaseUrl(text).tls.mode).toBe(mode);
});

test("the sslmode in the URL wins over the one beside it", () => {
  expect(parseDatabaseUrl("postgres://db/a?sslmode=require", "disable").tls.mode).toBe("require");
  expect(parseDatabaseUrl("postgres://db/a", "disable").tls.mode).toBe("disable");
});

test("TLS settings leave the URL, everything else stays in it", () => {
  const parsed = parseDatabaseUrl(
    "postgres://u:p%40@db:1/a?sslmode=verify-ca&sslrootcert=/ca&application_name=x&sslcert=/c&sslkey=/k",
  );

  expect(parsed).toEqual({
    url: "postgres://u:p%40@db:1/a?application_name=x",
    tls: {
      mode: "verify-ca",
      rootCertificateFile: "/ca",
      certificateFile: "/c",
      keyFile: "/k",
    },
    servers: null,
  });
});

test("a URL without a host means this machine, whatever PGHOST says", () => {
  expect(parseDatabaseUrl("postgres://app@/orders").url).toBe(
    "postgres://app@/orders?host=localhost",
  );
});

test.for([
  ["db.example.org", "postgres://u:a%3Ab@db.example.org:5432/d%20b"],
  ["::1", "postgres://u:a%3Ab@[::1]:5432/d%20b"],
  ["/run/pg", "postgres://u:a%3Ab@/d%20b?host=%2Frun%2Fpg&port=5432"],
  ["a,::1", "postgres://u:a%3Ab@a:5432,[::1]:5432/d%20b?target_session_attrs=read-write"],
] as const)("the parts for host %s become a URL that parses", ([host, url]) => {
  const text = databaseUrlOf({ host, port: 5432, database: "d b", user: "u", password: "a:b" });

  expect(url).toContain(text);
  expect(parseDatabaseUrl(text).url).toBe(url);
});

test.for([
  [
    "a:5433,b",
    [
      { host: "a", port: 5433 },
      { host: "b", port: 5432 },
    ],
    "read-write",
  ],
  [
    "[::1],10.0.0.7:1",
    [
      { host: "::1", port: 5432 },
      { host: "10.0.0.7", port: 1 },
    ],
    "read-write",
  ],
] as const)("several hosts are tried in their order: %s", ([hosts, list, wants]) => {
  const { servers, url } = parseDatabaseUrl(`postgres://u:a,b%40@${hosts}/d?application_name=x`);

  expect(servers).toEqual({ hosts: list, wants });
  expect(url).toBe(
    `postgres://u:a,b%40@${hosts}/d?application_name=x&target_session_attrs=read-write`,
  );
  expect(parseDatabaseUrl(url)).toMatchObject({ url, servers });
});

test.for([
  ["postgres://a,b/d?target_session_attrs=any", "any"],
  ["postgres://a,b/d?target_session_attrs=primary", "primary"],
  ["postgres://a/d?target_session_attrs=read-write", "read-write"],
] as const)("%s says which server is wanted", ([text, wants]) => {
  expect(parseDatabaseUrl(text).servers?.wants).toBe(wants);
});

test.for([
  ["postgres://a,b/d", "standby"],
  ["postgres://a,b/d?target_session_attrs=any", "any"],
  ["postgres://a/d?target_session_attrs=standby", "standby"],
] as const)("%s of standbys says which server is wanted", ([text, wants]) => {
  expect(parseDatabaseUrl(text, undefined, { of: "standby" }).servers?.wants).toBe(wants);
  expect(parseDatabaseUrl("postgres://a/d", undefined, { of: "standby" }).servers).toBeNull();
});

test("one host is the driver's own business", () => {
  expect(parseDatabaseUrl("postgres://a/d").servers).toBeNull();
  expect(parseDatabaseUrl("postgres://a/d?target_session_attrs=any").servers).toBeNull();
});

test.for([
  ["postgres://localhost,127.0.0.1:5433/d", "disable"],
  ["postgres://localhost,db.example.org/d", "verify-full"],
  ["postgres://db.example.org,localhost/d?sslmode=require", "require"],
] as const)("several hosts have one TLS mode, that of the farthest: %s", ([text, mode]) => {
  expect(parseDatabaseUrl(text).tls.mode).toBe(mode);
});

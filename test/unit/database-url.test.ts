import { expect, test } from "vitest";
import { databaseUrlOf, parseDatabaseUrl } from "../../src/database-url.ts";

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
] as const)("the parts for host %s become a URL that parses", ([host, url]) => {
  const text = databaseUrlOf({ host, port: 5432, database: "d b", user: "u", password: "a:b" });

  expect(text).toBe(url);
  expect(parseDatabaseUrl(text).url).toBe(url);
});

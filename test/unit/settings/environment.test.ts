import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { type Config, readConfig } from "../../../src/settings/config.ts";

const URL = "postgres://app:s3cret@127.0.0.1:5433/orders";
const folder = mkdtempSync(join(tmpdir(), "triaged-config-"));
const file = join(folder, "secret");

function urlOf({ connection }: Config): string | null {
  return connection.kind === "url" ? connection.url : null;
}

test.for([
  ["DATABASE_URL", `${URL}\n`, urlOf, URL, {}],
  ["DATABASE_DIRECT_URL", URL, (config: Config) => config.directConnection?.url ?? null, URL, {}],
  [
    "DATABASE_REPLICA_URL",
    URL,
    (config: Config) => config.replica?.database.url ?? null,
    URL,
    { DATABASE_URL: URL },
  ],
  ["GITHUB_TOKEN", "ghp_x\n", (config: Config) => config.repositories.token, "ghp_x", {}],
] as const)(
  "%s_FILE is read without the newline at its end",
  ([name, content, seen, as, beside]) => {
    writeFileSync(file, content);

    expect(seen(readConfig({ ...beside, [`${name}_FILE`]: file }))).toBe(as);
  },
);

test("POSTGRES_PASSWORD_FILE is the password of POSTGRES_HOST", () => {
  writeFileSync(file, "s3cret\n");

  const config = readConfig({ POSTGRES_HOST: "db", POSTGRES_PASSWORD_FILE: file });

  expect(urlOf(config)).toBe("postgres://orchestrator:s3cret@db:5432/orchestrator");
});

test("a file that cannot be read is a problem", () => {
  expect(() => readConfig({ DATABASE_URL_FILE: join(folder, "absent") })).toThrow(
    /^DATABASE_URL_FILE: cannot read .*absent: ENOENT$/,
  );
});

test("a secret that is given both ways is a problem", () => {
  writeFileSync(file, URL);

  expect(() => readConfig({ DATABASE_URL: URL, DATABASE_URL_FILE: file })).toThrow(
    "DATABASE_URL_FILE: expected this or DATABASE_URL, got both",
  );
});

afterAll(() => rmSync(folder, { recursive: true }));

import { expect, test } from "vitest";
import { describeConfig, readConfig } from "../../../src/settings/config.ts";

const URL = "postgres://app:s3cret@127.0.0.1:5433/orders";

test("the description of a configuration reads back as the same configuration", () => {
  const config = readConfig({
    POSTGRES_HOST: "db.example.org",
    QUEUES: "a,b",
    TASKS_DIR: "/srv/tasks",
    POLL_INTERVAL: "0.5",
    DATABASE_DIRECT_URL: "postgres://app@db.example.org/orders?sslrootcert=/ca.pem",
  });

  expect(readConfig(describeConfig(config))).toEqual(config);
});

test("the description of a configuration hides the token", () => {
  const config = readConfig({ GITHUB_TOKEN: "ghp_secret" });

  expect(describeConfig(config)["GITHUB_TOKEN"]).toBe("****");
});

test("the description of a configuration hides passwords", () => {
  const config = readConfig({ DATABASE_URL: URL, DATABASE_DIRECT_URL: `${URL}?sslmode=require` });

  expect(describeConfig(config)).toMatchObject({
    DATABASE_URL: "postgres://app:****@127.0.0.1:5433/orders?sslmode=disable",
    DATABASE_DIRECT_URL: "postgres://app:****@127.0.0.1:5433/orders?sslmode=require",
  });
});

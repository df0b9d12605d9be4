import { expect, test } from "vitest";
import { createDatabase } from "../support/connections.ts";
import { withPool } from "../support/databases.ts";
import { runCli } from "../support/processes.ts";
import { enqueue } from "../support/tasks.ts";

test("work --print-config shows what is in force, without passwords", async () => {
  const env = { DATABASE_URL: "postgres://app:s3cret@db.example.org/orders", CONCURRENCY: "3" };

  const { code, stdout } = await runCli(["work", "--print-config", "--queue", "a,b"], { env });

  expect(code).toBe(0);
  expect(stdout).toContain(
    "DATABASE_URL=postgres://app:****@db.example.org/orders?sslmode=verify-full\n",
  );
  expect(stdout).toContain("\nQUEUES=a,b\nCONCURRENCY=3\n");
  expect(stdout).not.toContain("s3cret");
});

test("the log of a worker is on stderr and holds neither payloads nor passwords", async () => {
  const { url, drop } = await createDatabase();
  await withPool(url, (db) => enqueue(db, { payload: { secret: "v3ry-s3cret" } }));
  const words = ["work", "--drain", "--tasks", "test/fixtures/handlers"];

  const { code, stdout, stderr } = await runCli(words, {
    env: { DATABASE_URL: url, LOG_LEVEL: "trace" },
  });

  expect({ code, stdout }).toEqual({ code: 0, stdout: "" });
  expect(stderr).toContain('"msg":"worker started"');
  expect(stderr).not.toContain("v3ry-s3cret");
  const password = new URL(url).password;
  expect(password === "" || !stderr.includes(password)).toBe(true);
  await drop();
});

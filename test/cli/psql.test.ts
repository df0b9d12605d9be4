import { expect } from "vitest";
import { test } from "../support/connections.ts";
import { runCli } from "../support/processes.ts";

test("psql prints the connection where nobody sits at a terminal", async ({ database }) => {
  const { code, stdout } = await runCli(["psql"], { env: { DATABASE_URL: database.url } });

  expect({ code, stdout }).toEqual({ code: 0, stdout: `${database.url}\n` });
});

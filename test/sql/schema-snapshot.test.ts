// Goal: a change of the schema shows in review, and each supported server makes the same
// schema of the same files.
// Method: write down what the catalogs know after a migration, but for partitions, which are
// as their parents are, and compare with the committed text. Take a change over with
// `npx vitest run test/sql/schema-snapshot -u`.

import { expect } from "vitest";
import { inSchema } from "../../src/database/database.ts";
import { readPrivilegeLines } from "../../src/database/privileges/compare.ts";
import { rolesOf } from "../../src/database/roles/role-names.ts";
import { formatSchemaLines, readSchemaLines } from "../../src/database/schema/snapshot.ts";
import { test } from "../support/connections.ts";

test("the schema is the one that was reviewed", async ({ db }) => {
  await db.query("set local search_path to pg_catalog");

  const lines = await readSchemaLines(inSchema(db));

  await expect(formatSchemaLines(lines)).toMatchFileSnapshot("../../sql/schema.snapshot.txt");
});

test("the rights of the roles are those that were reviewed", async ({ db }) => {
  await db.query("set local search_path to pg_catalog");

  const lines = await readPrivilegeLines(inSchema(db), rolesOf("triaged"));

  await expect(`${lines.join("\n")}\n`).toMatchFileSnapshot("../../sql/privileges.snapshot.txt");
});

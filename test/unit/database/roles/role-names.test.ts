// Goal: the roles of a queue have names that need no quotes, fit, and are no other queue's.

import { expect, test } from "vitest";
import { defaultPrefix, rolesOf, withRoles } from "../../../../src/database/roles/role-names.ts";

const LONG = "a".repeat(63);

const QUEUES: readonly (readonly [schema: string, database: string])[] = [
  ["triaged", "orders"],
  ["triaged", "Orders"],
  ["triaged", "ORDERS"],
  ["triaged", "orders-eu"],
  ["triaged", "orders eu"],
  ["triaged", "orders_eu"],
  ["triaged", 'orders"eu'],
  ["triaged", "orders.eu"],
  ["triaged", "größe"],
  ["triaged", "gr__e"],
  ["triaged", "注文"],
  ["triaged", "__"],
  ["triaged", "select"],
  ["triaged", "triaged"],
  ["triaged", "1"],
  ["triaged", "pg_x"],
  ["triaged", LONG],
  ["triaged", `${LONG.slice(1)}b`],
  ["triaged", LONG.slice(0, 46)],
  ["triaged", LONG.slice(0, 47)],
  ["triaged", "x_orders"],
  ["triaged_x", "orders"],
  ["a", "b_c"],
  ["a_b", "c"],
  [LONG, "orders"],
  [LONG, LONG],
  [`${LONG.slice(1)}b`, "orders"],
];

test.for(QUEUES)("schema %s in database %s has names that need no quotes", ([schema, database]) => {
  const prefix = defaultPrefix(schema, database);

  expect(prefix).toMatch(/^(?!pg_)[a-z_][a-z0-9_]{0,53}$/);
  expect(rolesOf(prefix).readonly.length).toBeLessThanOrEqual(63);
});

test("no two queues have the same names", () => {
  const prefixes = QUEUES.map(([schema, database]) => defaultPrefix(schema, database));

  expect(new Set(prefixes).size).toBe(QUEUES.length);
});

test("plain names are what a person would write", () => {
  expect(rolesOf(defaultPrefix("triaged", "orders_eu"))).toEqual({
    prefix: "triaged_orders_eu",
    owner: "triaged_orders_eu_owner",
    api: "triaged_orders_eu_api",
    readonly: "triaged_orders_eu_readonly",
  });
});

test("the names in sql/ are replaced where they are names", () => {
  const text = "grant usage on schema triaged to triaged_owner, triaged_api; -- triaged_apis";

  expect(withRoles(text, rolesOf("a_b"))).toBe(
    "grant usage on schema triaged to a_b_owner, a_b_api; -- triaged_apis",
  );
  expect(withRoles(text, rolesOf('A"b'))).toContain('"A""b_owner", "A""b_api"');
});

// Goal: a login that is granted a role of one queue enters no other on the server, the owner can
// grant it, and whoever migrates finds its name.
// Method: databases and owners of the test's own, with the names that migrations give by default.

import type { Client } from "pg";
import { expect } from "vitest";
import { migrateSchema } from "../../src/database/migrate/migrate.ts";
import { type MigrateOptions } from "../../src/database/migrate/steps.ts";
import { privilegesProbe } from "../../src/doctor/privileges.ts";
import { rightsProbe } from "../../src/doctor/server.ts";
import { found } from "../support/connections.ts";
import { findingsOf } from "../support/doctor.ts";
import { asLogin, test } from "../support/owned-databases.ts";
import { runCli } from "../support/processes.ts";
import { query } from "../support/tasks.ts";

/** Migrate as production does; resolves to the roles' prefix, and what was warned of. */
async function settle(url: string, options: MigrateOptions = {}) {
  const warnings: string[] = [];
  const { roles, mayGrant } = await migrateSchema(
    { connectionString: url },
    { ...options, onWarning: (warning) => warnings.push(warning) },
  );
  return { roles, mayGrant, warnings };
}

/** What a login may do in a queue. */
async function trials(client: Client, schema = "triaged"): Promise<Record<string, string>> {
  const answers: Record<string, string> = {};
  for (const [name, statement] of Object.entries({
    looks: `select from ${schema}.tasks`,
    enqueues: `select from ${schema}.enqueue_task('noop')`,
    inserts: `insert into ${schema}.tasks (task_type) values ('noop')`,
    claims: `select from ${schema}.claim_tasks(1)`,
    reads_secrets: `select from ${schema}.push_configs`,
  })) {
    answers[name] = await client.query(statement).then(
      () => "yes",
      (err: unknown) => (err instanceof Error && "code" in err ? String(err.code) : String(err)),
    );
  }
  return answers;
}

const NOTHING = {
  looks: "42501",
  enqueues: "42501",
  inserts: "42501",
  claims: "42501",
  reads_secrets: "42501",
};
const API = {
  looks: "yes",
  enqueues: "yes",
  inserts: "yes",
  claims: "yes",
  reads_secrets: "42501",
};

test.for([["the same owner"], ["different owners"]])(
  "a login of one database's queue enters no other database's of %s",
  async ([owners], { makeOwned, makeLogin, connect, administrator }) => {
    const first = await makeOwned();
    const second = await makeOwned(owners === "the same owner" ? { owner: first.owner } : {});
    const { roles } = await settle(first.url);
    await settle(second.url);
    const login = await makeLogin("producer");
    await administrator.query(`grant ${found(roles).api}, ${found(roles).owner} to ${login}`);

    const own = await trials(await connect(first.url, login));
    const others = await trials(await connect(second.url, login));

    expect(own).toEqual({ ...API, reads_secrets: "yes" });
    expect(others).toEqual(NOTHING);
  },
);

test.for([["the same owner"], ["different owners"]])(
  "a login of one schema's queue enters no other schema's of %s",
  async ([owners], { makeOwned, makeLogin, connect, administrator }) => {
    const { url, administratorUrl } = await makeOwned();
    const { roles } = await settle(url);
    const other = await makeLogin("other", "createrole");
    const database = await connect(administratorUrl);
    await database.query(`create schema second authorization ${other}`);
    await (owners === "the same owner"
      ? settle(url, { schema: "third" })
      : settle(asLogin(url, other), { schema: "second" }));
    const login = await makeLogin("producer");
    await administrator.query(`grant ${found(roles).api} to ${login}`);
    const client = await connect(url, login);

    expect(await trials(client)).toEqual(API);
    expect(await trials(client, owners === "the same owner" ? "third" : "second")).toEqual(NOTHING);
  },
);

test.for([["-EU"], [" eu"], ['"eu'], ["'eu"], ["größe"], ["%s"], ["_".repeat(40)], ["$$"], [".x"]])(
  "a database whose name ends with %s has roles that a person can type",
  async ([suffix], { makeOwned, makeLogin, connect }) => {
    const { url } = await makeOwned({ suffix });
    const { roles, warnings } = await settle(url);
    const login = await makeLogin("producer");
    const owner = await connect(url);

    // Without quotes.
    await owner.query(`grant ${found(roles).api} to ${login}`);

    expect(await trials(await connect(url, login))).toEqual(API);
    expect(warnings).toEqual([]);
  },
);

test("an owner that may make roles grants them, and is told how", async ({
  makeOwned,
  makeLogin,
  connect,
}) => {
  const { url, name } = await makeOwned();
  const login = await makeLogin("svc");

  const env = { DATABASE_URL: url, TRIAGED_ROLE_PREFIX: "" };
  const { stderr, code } = await runCli(["migrate"], { env });
  const again = await runCli(["migrate", "--json"], { env });

  const api = `triaged_${name}_api`;
  expect({ code, stderr }).toEqual({
    code: 0,
    stderr:
      `roles triaged_${name}_owner, ${api}, triaged_${name}_readonly\n` +
      `next: grant ${api} to LOGIN; for each producer and worker\n`,
  });
  expect(JSON.parse(again.stdout)).toEqual({
    schema: "triaged",
    created: null,
    applied: [],
    restored: [],
    roles: {
      owner: `triaged_${name}_owner`,
      api,
      readonly: `triaged_${name}_readonly`,
    },
  });
  await (await connect(url)).query(`grant ${api} to ${login}`);
  expect(await trials(await connect(url, login))).toEqual(API);
});

test("an owner that may not is told what an administrator runs, and grants after it", async ({
  makeOwned,
  makeLogin,
  connect,
  administrator,
}) => {
  const { url, owner } = await makeOwned({ rights: "" });
  const login = await makeLogin("svc");
  const before = await settle(url);
  const [warning = ""] = before.warnings;
  const lines = /runs: (.*;) Then/.exec(warning)?.[1];

  await administrator.query(found(lines));
  const after = await settle(url);

  expect(before).toMatchObject({ roles: null, mayGrant: false });
  expect(before.warnings).toHaveLength(1);
  expect(warning).toContain(`to ${owner} with admin option;`);
  expect(after).toMatchObject({ mayGrant: true });
  await (await connect(url)).query(`grant ${found(after.roles).api} to ${login}`);
  expect(await trials(await connect(url, login))).toEqual(API);
});

test("an owner whose roles an administrator made alone is told that it may not grant them", async ({
  makeOwned,
  administrator,
  id,
}) => {
  const { url } = await makeOwned({ rights: "" });
  const prefix = `made_${id}`;
  await administrator.query(
    `create role ${prefix}_owner; create role ${prefix}_api; create role ${prefix}_readonly`,
  );

  const env = { DATABASE_URL: url, TRIAGED_ROLE_PREFIX: prefix };
  const { stderr } = await runCli(["migrate"], { env });

  expect(stderr).toContain(`grant ${prefix}_api to LOGIN; for each producer and worker (an adm`);
});

/** Grants as they were made before queues had roles of their own. */
async function withSharedRoles(url: string): Promise<void> {
  await settle(url, { rolePrefix: "triaged" });
}

test("a queue with triaged_api keeps it, and is told how to move", async ({
  makeOwned,
  makeLogin,
  connect,
  administrator,
}) => {
  const { url, name } = await makeOwned();
  await withSharedRoles(url);
  const login = await makeLogin("producer");
  await administrator.query(`grant triaged_api to ${login}`);

  const { roles, warnings } = await settle(url);

  expect(roles).toMatchObject({ api: "triaged_api" });
  expect(await trials(await connect(url, login))).toEqual(API);
  expect(warnings.join("\n")).toMatch(/roles triaged_owner, .* are shared with /);
  expect(warnings.join("\n")).toContain(
    `TRIAGED_ROLE_PREFIX=triaged_${name} triaged migrate moves this queue`,
  );
  expect(await findingsOf(url, privilegesProbe, { rolePrefix: null })).toContainEqual(
    expect.objectContaining({
      level: "warning",
      subject: "roles",
      advice: expect.stringContaining(`TRIAGED_ROLE_PREFIX=triaged_${name} triaged migrate`),
    }),
  );
  // Who says so wants it.
  expect((await settle(url, { rolePrefix: "triaged" })).warnings.join()).not.toContain("shared");
});

test("after a move the old roles have nothing here, and each member is listed", async ({
  makeOwned,
  makeLogin,
  connect,
  administrator,
  id,
}) => {
  const { url } = await makeOwned();
  const old = `old_${id}`;
  await settle(url, { rolePrefix: old });
  const [producer, reader] = [await makeLogin("producer"), await makeLogin("reader")];
  await administrator.query(
    `grant ${old}_api to ${producer}; grant ${old}_readonly, ${old}_api to ${reader}`,
  );

  const { roles, warnings } = await settle(url, { rolePrefix: `new_${id}` });

  expect(roles).toMatchObject({ api: `new_${id}_api` });
  const lines = found(/needs: (.*)$/.exec(warnings.join("\n"))?.[1]);
  expect(lines.split("; ").map((line) => line.replace(";", ""))).toEqual([
    `grant new_${id}_api to ${producer}`,
    `grant new_${id}_api to ${reader}`,
    `grant new_${id}_readonly to ${reader}`,
  ]);
  expect(await trials(await connect(url, producer))).toEqual(NOTHING);
  const owner = await connect(url);
  expect(
    await query(
      owner,
      `select from pg_shdepend where deptype = 'a' and refobjid in
         (select oid from pg_roles where starts_with(rolname, $1))
         and dbid = (select oid from pg_database where datname = current_database())`,
      [old],
    ),
  ).toEqual([]);
  await owner.query(lines);
  expect(await trials(await connect(url, producer))).toEqual(API);
  // Nothing is left to move, with the setting or without it.
  expect(await settle(url, { rolePrefix: `new_${id}` })).toMatchObject({ warnings: [] });
  expect(await settle(url)).toMatchObject({ roles, warnings: [] });
});

test("a move whose roles cannot be made leaves the rights as they are", async ({
  makeOwned,
  connect,
  makeLogin,
  administrator,
  id,
}) => {
  const { url, owner } = await makeOwned();
  await settle(url, { rolePrefix: `old_${id}` });
  const login = await makeLogin("producer");
  await administrator.query(`grant old_${id}_api to ${login}; alter role ${owner} nocreaterole`);

  const { roles, warnings } = await settle(url, { rolePrefix: `new_${id}` });

  expect(roles).toBeNull();
  expect(warnings).toEqual([expect.stringContaining(`create role new_${id}_owner;`)]);
  expect(await trials(await connect(url, login))).toEqual(API);
});

test("a database that is renamed keeps its roles, and another of its old name gets others", async ({
  makeOwned,
  administrator,
}) => {
  const first = await makeOwned();
  const { roles } = await settle(first.url);
  await administrator.query(`alter database ${first.name} rename to ${first.name}_old`);
  await administrator.query(`create database ${first.name} owner ${first.owner}`);

  const renamed = await settle(first.url.replace(first.name, `${first.name}_old`));
  const second = await settle(first.url);

  expect(renamed).toMatchObject({ roles, warnings: [] });
  expect(found(second.roles).prefix).toMatch(new RegExp(`^triaged_${first.name}_[0-9a-f]{8}$`));
  expect(second.warnings).toEqual([]);
});

test("both a copy of a database and its model are told that they share roles", async ({
  makeOwned,
  administrator,
}) => {
  const { url, name, owner } = await makeOwned();
  await settle(url);
  await administrator.query(`create database ${name}_copy template ${name} owner ${owner}`);

  const copy = await settle(url.replace(name, `${name}_copy`));
  const model = await settle(url);

  expect(copy.warnings).toEqual([
    expect.stringMatching(`shared with database ${name}: .*PREFIX=triaged_${name}_copy triaged mi`),
  ]);
  expect(model.warnings).toEqual([expect.stringContaining(`shared with database ${name}_copy: `)]);
});

test("a login that was granted a role before there was a queue is named", async ({
  makeOwned,
  makeLogin,
  administrator,
}) => {
  const { url, name, owner } = await makeOwned();
  const login = await makeLogin("early");
  for (const kind of ["owner", "api", "readonly"]) {
    await administrator.query(`create role triaged_${name}_${kind}`);
  }
  await administrator.query(`grant triaged_${name}_api to ${login}, ${owner}`);

  const { warnings } = await settle(url);

  expect(warnings).toEqual([expect.stringContaining(`${login} (triaged_${name}_api)`)]);
});

test("another role of the schema whose name ends with _api is not taken for ours", async ({
  makeOwned,
  makeLogin,
  connect,
  administrator,
}) => {
  const { url, name } = await makeOwned({ rights: "" });
  await settle(url);
  const billing = await makeLogin("billing");
  await administrator.query(`alter role ${billing} rename to ${billing}_api`);
  await (await connect(url)).query(`grant usage on schema triaged to ${billing}_api`);
  await administrator.query(
    `create role triaged_${name}_owner; create role triaged_${name}_api;
     create role triaged_${name}_readonly`,
  );

  const { roles } = await settle(url);

  expect(roles).toMatchObject({ prefix: `triaged_${name}` });
});

test("a login without the right is told the name of the role that it needs", async ({
  makeOwned,
  makeLogin,
  administrator,
}) => {
  const { url, name } = await makeOwned();
  await settle(url);
  const login = await makeLogin("reader");
  const env = { DATABASE_URL: asLogin(url, login), TRIAGED_ROLE_PREFIX: "" };
  const api = `triaged_${name}_api`;

  const stranger = await runCli(["list"], { env });
  const jobs = await runCli(["jobs"], { env });
  await administrator.query(`grant triaged_${name}_readonly to ${login}`);
  const reader = await runCli(["enqueue", "noop"], { env });
  const findings = await findingsOf(env.DATABASE_URL, rightsProbe);

  for (const { code, stderr } of [stranger, jobs, reader]) {
    expect(code).toBe(78);
    expect(stderr).toMatch(/^error: not allowed: permission denied/m);
    expect(stderr).toContain(`grant ${api} to this user`);
  }
  expect(findings).toContainEqual(
    expect.objectContaining({ subject: "rights", advice: `producers and workers need ${api}` }),
  );
});

/** Databases of logins that are no superusers, plain or set up as a platform does. */
import { randomBytes } from "node:crypto";
import { Client, escapeIdentifier } from "pg";
import { test as base, inject } from "vitest";
import { migrateSchema } from "../../src/database/migrate/migrate.ts";
import { found } from "./connections.ts";
import { urlOf } from "./databases.ts";
import { outcomeOf, query, settle, startTask } from "./tasks.ts";

/** A database of a login that is no superuser, as a hosted one is. */
export type OwnedDatabase = {
  /** As its owner. */
  readonly url: string;
  /** As a superuser. */
  readonly administratorUrl: string;
  readonly name: string;
  readonly owner: string;
};

export type MakeOwned = (options?: {
  /** What the name ends with, in any characters. */
  readonly suffix?: string | undefined;
  /** What comes behind `create role … login`. @default createrole */
  readonly rights?: string;
  /** Of makeLogin. @default a new one */
  readonly owner?: string;
}) => Promise<OwnedDatabase>;

type Fixtures = {
  id: string;
  administrator: Client;
  makeOwned: MakeOwned;
  makeLogin: (use: string, rights?: string) => Promise<string>;
  /** A session that ends with the test, as a login of makeLogin or as the URL has it. */
  connect: (url: string, login?: string) => Promise<Client>;
  platform: Platform;
};

type Use<Name extends keyof Fixtures> = (given: Fixtures[Name]) => Promise<void>;
type Given<Names extends keyof Fixtures> = Pick<Fixtures, Names>;

async function lendId({}, use: Use<"id">): Promise<void> {
  await use(randomBytes(4).toString("hex"));
}

async function lendAdministrator({ id }: Given<"id">, use: Use<"administrator">): Promise<void> {
  const client = new Client({ connectionString: inject("serverUrl") });
  await client.connect();
  await use(client);
  for (const [kind, statement] of GONE) {
    const { rows } = await client.query<{ name: string }>(statement, [id]);
    for (const { name } of rows) {
      await client.query(
        `drop ${kind} ${escapeIdentifier(name)}${kind === "database" ? " with (force)" : ""}`,
      );
    }
  }
  await client.end();
}

async function lendMakeLogin(
  { administrator, id }: Given<"administrator" | "id">,
  use: Use<"makeLogin">,
): Promise<void> {
  await use(async (kind, rights = "") => {
    const name = `${kind}_${id}`;
    await administrator.query(`create role ${name} login password 'secret' ${rights}`);
    return name;
  });
}

async function lendMakeOwned(
  { administrator, makeLogin, id }: Given<"administrator" | "makeLogin" | "id">,
  use: Use<"makeOwned">,
): Promise<void> {
  let made = 0;
  await use(async ({ suffix = "", rights = "createrole", owner: known } = {}) => {
    made += 1;
    const name = `db${made}_${id}${suffix}`;
    const owner = known ?? (await makeLogin(`owner${made}`, rights));
    await administrator.query(
      `create database ${escapeIdentifier(name)} template template0 owner ${owner}`,
    );
    const administratorUrl = urlOf(
      inject("serverUrl"),
      // The driver does not decode this one.
      encodeURIComponent(name).replaceAll("%24", "$"),
    );
    return { name, owner, administratorUrl, url: asLogin(administratorUrl, owner) };
  });
}

async function lendConnect(
  { administrator }: Given<"administrator">,
  use: Use<"connect">,
): Promise<void> {
  const opened: Client[] = [];
  await use(async (url, login) => {
    const connectionString = login === undefined ? url : asLogin(url, login);
    const client = new Client({ connectionString });
    client.on("error", () => undefined);
    await client.connect();
    opened.push(client);
    return client;
  });
  await Promise.all(opened.map((client) => client.end()));
  // It drops what they were connected to.
  await administrator.query("select");
}

async function lendPlatform(
  { makeOwned, makeLogin, connect }: Given<"makeOwned" | "makeLogin" | "connect">,
  use: Use<"platform">,
): Promise<void> {
  const { url, administratorUrl, owner } = await makeOwned();
  const roles: Record<string, string> = {
    $owner: owner,
    $anon: await makeLogin("anon"),
    $metabase: await makeLogin("metabase"),
  };
  const name = (role: string) => found(roles[`$${role}`]);
  const [asOwner, administrator] = [await connect(url), await connect(administratorUrl)];
  await use({
    url,
    administratorUrl,
    owner: asOwner,
    administrator,
    name,
    arrange: async (statements, as = "owner") => {
      const text = statements.replaceAll(/\$(?:owner|anon|metabase)\b/g, (role) =>
        found(roles[role]),
      );
      await (as === "owner" ? asOwner : administrator).query(text);
    },
    migrate: async () => {
      const warnings: string[] = [];
      await migrateSchema(
        { connectionString: url },
        { onWarning: (warning) => warnings.push(warning) },
      );
      return warnings;
    },
    others: async () => await query(administrator, OTHERS),
  });
}

/**
 * A test that makes databases with owners, and logins. Roles outlive databases, and migrations
 * make some: all whose name has the `id` of the test are gone after it.
 */
export const test = base.extend<Fixtures>({
  id: lendId,
  administrator: lendAdministrator,
  makeLogin: lendMakeLogin,
  makeOwned: lendMakeOwned,
  connect: lendConnect,
  platform: lendPlatform,
});

/**
 * A test on one platform that the file shares, migrated once, for those that leave nothing there:
 * what its roles were granted is taken back after each.
 */
export const sharedTest = base
  .extend<Fixtures & { migrated: Platform }>({
    id: [lendId, { scope: "file" }],
    administrator: [lendAdministrator, { scope: "file" }],
    makeLogin: [lendMakeLogin, { scope: "file" }],
    makeOwned: [lendMakeOwned, { scope: "file" }],
    connect: [lendConnect, { scope: "file" }],
    platform: [lendPlatform, { scope: "file" }],
    migrated: [
      async ({ platform }, use) => {
        await platform.migrate();
        await use(platform);
      },
      { scope: "file" },
    ],
  })
  .extend<{ shared: Platform }>({
    shared: async ({ migrated }, use) => {
      await use(migrated);
      await migrated.arrange("drop owned by $metabase, $anon", "administrator");
    },
  });

const GONE = [
  ["database", "select datname as name from pg_database where position($1 in datname) > 0"],
  // What a login has granted goes with the roles that it granted, from PostgreSQL 16 on.
  [
    "role",
    "select rolname as name from pg_roles where position($1 in rolname) > 0 order by rolcanlogin",
  ],
] as const;

/** The same database as another login. */
export function asLogin(url: string, login: string): string {
  const own = new URL(url);
  own.username = login;
  own.password = "secret";
  return own.href;
}

/** What roles that are neither the owner nor ours may do, by object. */
const OTHERS = `
  select kind, name, coalesce(role.rolname, 'public')::text as grantee, privilege
  from (
    select 'function', oid::regprocedure::text, coalesce(proacl, acldefault('f', proowner)), proowner
    from pg_proc where pronamespace = 'triaged'::regnamespace
    union all
    select 'relation', relname::text, relacl, relowner from pg_class
    where relnamespace = 'triaged'::regnamespace
    union all
    select 'column', attrelid::regclass || '.' || attname, attacl, relowner
    from pg_attribute join pg_class on pg_class.oid = attrelid
    where relnamespace = 'triaged'::regnamespace and attacl is not null
    union all
    select 'schema', nspname::text, nspacl, nspowner from pg_namespace where nspname = 'triaged'
  ) as object (kind, name, rights, owner)
  cross join lateral aclexplode(rights) as granted (grantor, grantee, privilege, is_grantable)
  left join pg_roles as role on role.oid = grantee
  where grantee <> owner and (role.rolname is null or role.rolname !~ '^triaged_db')
  order by kind, name, grantee, privilege`;

/** Tables whose rows somebody may not see, and what their owner may not do. */
export const HIDDEN = `
  select relname::text from pg_class
  where relnamespace = 'triaged'::regnamespace and (relrowsecurity or relforcerowsecurity)
  order by relname`;

export type Platform = {
  readonly url: string;
  readonly administratorUrl: string;
  /** As the owner of the queue, and as a superuser, in its database. */
  readonly owner: Client;
  readonly administrator: Client;
  /** Run statements in which $anon, $metabase and $owner are roles. */
  readonly arrange: (statements: string, as?: "owner" | "administrator") => Promise<void>;
  readonly name: (role: string) => string;
  /** Migrate, as production does; resolves to the warnings. */
  readonly migrate: () => Promise<string[]>;
  readonly others: () => Promise<unknown[]>;
};

export const EVERYTHING = ["tables", "sequences", "functions"];
export const all = (where: string) =>
  EVERYTHING.map((kind) => `alter default privileges ${where} grant all on ${kind} to $anon`).join(
    "; ",
  );

/** A task that has finished, and so rows in both partitioned tables. */
export async function finishTask(db: Client): Promise<void> {
  const task = await startTask(db);
  await settle(db, [outcomeOf(task, "finish")]);
}

/** `select on tasks, update (priority) on tasks`, of one role. */
export async function rightsOf(administrator: Client, role: string): Promise<string[]> {
  const rows = await query<{ name: string; grantee: string; privilege: string }>(
    administrator,
    OTHERS,
  );
  return rows
    .filter(({ grantee }) => grantee === role)
    .map(
      ({ name, privilege }) =>
        `${privilege.toLowerCase()} ${name.replace(/^triaged\./, "").replace(/\(.*/, "")}`,
    );
}
